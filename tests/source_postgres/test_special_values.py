"""Values that their Arrow type cannot hold: the stream fails, or they become NULL and are counted, or texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import pytest
from fix_postgres import Database
from psycopg import sql
from source_postgres_sources import config_of, run, running_source, temporary_database
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_sdk.errors import BadRecord
from towpath_sdk.testing import ConnectorUnderTest, ReadResult


@dataclass(frozen=True)
class Special:
    """A declared type, a value that does not fit, one that does, and the text of the former."""

    declared: str
    value: str
    fitting: str
    text: str
    nulled: object = None
    """What the policy of NULL makes of the value."""

    @property
    def name(self) -> str:
        """For the list of tests."""
        return f"{self.declared} {self.value}"


SPECIALS = [
    Special("numeric(10,2)", "NaN", "1.50", "NaN"),
    Special("date", "infinity", "2024-01-01", "infinity"),
    Special("date", "-infinity", "2024-01-01", "-infinity"),
    Special("timestamp", "infinity", "2024-01-01", "infinity"),
    Special("timestamp", "-infinity", "2024-01-01", "-infinity"),
    Special("timestamp", "294276-12-31 23:59:59.999999", "2024-01-01", "294276-12-31 23:59:59.999999"),
    Special("timestamp", "294247-01-10 04:00:54.775808", "2024-01-01", "294247-01-10 04:00:54.775808"),
    Special("timestamptz", "infinity", "2024-01-01 00:00+00", "infinity"),
    Special("timestamptz", "294276-12-31 23:59:59+00", "2024-01-01 00:00+00", "294276-12-31 23:59:59+00"),
    Special("time", "24:00", "23:59", "24:00:00"),
    Special("interval", "infinity", "1 day", "infinity"),
    Special("interval", "2562047:47:16.854776", "1 day", "2562047:47:16.854776"),
    Special("interval", "-1 year -3000000:00", "1 day", "-1 years -3000000:00:00"),
    Special("int4[]", "{{1,2},{3,4}}", "{1}", "{{1,2},{3,4}}"),
    Special("int4[]", "[0:1]={1,2}", "{1}", "[0:1]={1,2}"),
    Special("text[]", "[2:2]={x}", "{x}", "[2:2]={x}"),
    Special("char(3)[]", "{{a}}", "{a}", '{{"a  "}}'),
    Special("int4[][]", "[1:1][0:0]={{7}}", "{{7}}", "[1:1][0:0]={{7}}"),
    Special("numeric(4,1)[]", "{NaN,1.5,NULL}", "{2.5}", "{NaN,1.5,NULL}", [None, "1.5", None]),
]
each_special = pytest.mark.parametrize("number", range(len(SPECIALS)), ids=lambda n: SPECIALS[n].name)


@pytest.fixture(scope="module")
def specials(postgres: EmbeddedPostgres) -> Iterator[tuple[ConnectorUnderTest, Database]]:
    """Tables `t0`, `t1`, …, one per special value; `v` has a fitting value, it, NULL, and the fitting one again."""
    with temporary_database(postgres) as database, database.connect() as connection, running_source() as source:
        for number, special in enumerate(SPECIALS):
            run(connection, f"CREATE TABLE t{number} (id int, v {special.declared}, w int[])")
            for value in (special.fitting, special.value, None, special.fitting):
                query = sql.SQL("INSERT INTO {} VALUES (1, %s, '{{1}}')").format(sql.Identifier(f"t{number}"))
                connection.execute(query, [value])
        yield source, database


@each_special
def test_special_value_fails_the_stream_by_default(specials: tuple[ConnectorUnderTest, Database], number: int) -> None:
    """The driver would deliver another value in silence; the user has to decide instead."""
    source, database = specials
    with pytest.raises(BadRecord, match=rf"public\.t{number}\.v") as failure:
        source.read(config_of(database), f"public.t{number}")
    assert failure.value.reason == "UNREPRESENTABLE_VALUE"
    assert f'special_values_by_column."public.t{number}.v"' in failure.value.message


@each_special
def test_special_value_becomes_null_and_is_counted(specials: tuple[ConnectorUnderTest, Database], number: int) -> None:
    """Whoever prefers a gap learns how many there are; the values beside it stay."""
    source, database = specials
    result = source.read(config_of(database, special_values="null"), f"public.t{number}")
    before, special, null, after = _values(result)
    assert [special, null] == [SPECIALS[number].nulled, None]
    assert before == after
    assert before is not None
    assert [row["w"] for row in result.rows] == [[1]] * 4
    assert [(log.attributes["column"], log.attributes["values"]) for log in result.logs] == [("v", "1")]


@each_special
def test_special_value_is_kept_as_text(specials: tuple[ConnectorUnderTest, Database], number: int) -> None:
    """The one way to lose nothing: the whole column as PostgreSQL writes it."""
    source, database = specials
    policy = {f"public.t{number}.v": "string"}
    result = source.read(config_of(database, special_values_by_column=policy), f"public.t{number}")
    assert _values(result)[1:3] == [SPECIALS[number].text, None]
    assert [row["w"] for row in result.rows] == [[1]] * 4
    assert result.logs == []


def test_policy_of_null_makes_a_column_nullable(postgres_database: Database) -> None:
    """A destination that was promised values must not get gaps."""
    with postgres_database.connect() as connection:
        connection.execute("CREATE TABLE t (v date NOT NULL)")
    with running_source() as source:
        (strict,) = source.discover(config_of(postgres_database))
        (lax,) = source.discover(config_of(postgres_database, special_values="null"))
    assert [strict.arrow_schema.field("v").nullable, lax.arrow_schema.field("v").nullable] == [False, True]


def test_policy_of_a_column_beats_the_general_one(postgres_database: Database) -> None:
    """One column with NaN must not cost all others their types."""
    with postgres_database.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 'NaN'::numeric(5,1) AS a, 'infinity'::date AS b")
    by_column = {"public.t.b": "null"}
    config = config_of(postgres_database, special_values="string", special_values_by_column=by_column)
    with running_source() as source:
        result = source.read(config, "public.t")
    assert result.rows == [{"a": "NaN", "b": None}]


def test_several_unfit_columns_of_one_row_are_counted_apart(postgres_database: Database) -> None:
    """They share one column of the query, since a SELECT list has not room for one each."""
    with postgres_database.connect() as connection:
        connection.execute("CREATE TABLE t (a int[], b interval, c int[])")
        connection.execute("INSERT INTO t SELECT '{{1}}', '3000000:00', '{1}' FROM generate_series(1, 3)")
        connection.execute("INSERT INTO t SELECT '{1}', '1 day', '[5:5]={1}' FROM generate_series(1, 2)")
    with running_source() as source:
        result = source.read(config_of(postgres_database, special_values="null"), "public.t")
    counts = {log.attributes["column"]: log.attributes["values"] for log in result.logs}
    assert counts == {"a": "3", "b": "3", "c": "2"}
    assert [row["a"] for row in result.rows] == [None] * 3 + [[1]] * 2


def test_unconstrained_numeric_takes_the_precision_that_the_user_gives(postgres_database: Database) -> None:
    """Text is exact but clumsy; a decimal of the user's choice is exact too, or fails."""
    with postgres_database.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT n::numeric AS v FROM unnest('{1.50,-2,0.0000000001}'::numeric[]) n"
        )
    with running_source() as source:
        result = source.read(config_of(postgres_database, unconstrained_numeric=(38, 10)), "public.t")
        assert _values(result) == ["1.5000000000", "-2.0000000000", "1E-10"]
        with pytest.raises(BadRecord, match=r"does not fit decimal128\(5, 1\)") as failure:
            source.read(config_of(postgres_database, unconstrained_numeric=(5, 1)), "public.t")
    assert failure.value.reason == "NUMBER_TOO_WIDE"


def _values(result: ReadResult) -> list[object]:
    """The values of `v` as texts, lists as lists of texts."""
    return [_texts(row["v"]) for row in result.rows]


def _texts(value: object) -> object:
    if isinstance(value, list):
        return [_texts(item) for item in cast("list[object]", value)]
    return None if value is None else str(value)
