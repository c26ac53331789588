"""The catalogue: what is offered, under which names, with which keys and promises."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pyarrow as pa
import pytest
from fix_postgres import Database
from psycopg import sql
from source_postgres_sources import config_of, run, running_source, secure_url
from towpath_sdk import ReadMode, Stream, StreamName
from towpath_sdk.errors import Denied, Misconfigured, NotFound

HOSTILE = [
    "plain",
    "select",
    "Mixed Case",
    " leading and trailing ",
    'quote"inside',
    '""',
    "it's",
    "dot.in.name",
    "100%s %(name)s",
    "back\\slash",
    "new\nline",
    "{curly} {}",
    "semi; DROP TABLE x; --",
    "ctid_",
    "emoji 😀☃",
    "ünïcödé",
    "$1",
    "x" * 63,
    "😀" * 15,
]


def discovered(database: Database, **changes: object) -> dict[str, Stream]:
    """Return the catalogue by `namespace.name`."""
    with running_source() as source:
        return {f"{s.namespace}.{s.name}": s for s in source.discover(config_of(database, **changes))}


@pytest.fixture
def connection(postgres_database: Database) -> Iterator[psycopg.Connection]:
    """The superuser's connection."""
    with postgres_database.connect() as connection:
        yield connection


def test_every_kind_of_relation_is_offered_once(postgres_database: Database, connection: psycopg.Connection) -> None:
    """A partitioned table is one stream, not one per partition; the system's own tables are nobody's data."""
    run(
        connection,
        """
        CREATE TABLE plain (id int);
        CREATE UNLOGGED TABLE unlogged (id int);
        CREATE TEMPORARY TABLE temporary (id int);
        CREATE TABLE parted (id int, day date) PARTITION BY RANGE (day);
        CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE parted_2 PARTITION OF parted DEFAULT PARTITION BY LIST (id);
        CREATE TABLE parted_2_1 PARTITION OF parted_2 DEFAULT;
        CREATE TABLE child () INHERITS (plain);
        CREATE VIEW glimpse AS SELECT 1 AS one;
        CREATE MATERIALIZED VIEW frozen AS SELECT 1 AS one;
        CREATE SEQUENCE numbers;
        CREATE SCHEMA other;
        CREATE TABLE other.plain (id int);
        """,
    )
    assert {name: stream.kind for name, stream in discovered(postgres_database).items()} == {
        "other.plain": "table",
        "public.child": "table",
        "public.frozen": "materialized view",
        "public.glimpse": "view",
        "public.parted": "partitioned table",
        "public.plain": "table",
        "public.unlogged": "table",
    }


def test_only_the_configured_schemas_are_offered(postgres_database: Database, connection: psycopg.Connection) -> None:
    """Also by name: a table of another schema is not there to be read."""
    run(connection, "CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t (id int); CREATE TABLE b.t (id int)")
    assert list(discovered(postgres_database, schemas=["b"])) == ["b.t"]
    with running_source() as source, pytest.raises(NotFound) as failure:
        source.read(config_of(postgres_database, schemas=["b"]), "a.t")
    assert failure.value.reason == "NO_SUCH_TABLE"


def test_keys_are_those_that_hold_for_the_stream(postgres_database: Database, connection: psycopg.Connection) -> None:
    """A destination merges by the key: a wrong one loses rows."""
    run(
        connection,
        """
        CREATE TABLE two (b int, a text, c int, PRIMARY KEY (c, a) INCLUDE (b));
        CREATE TABLE keyless (id int UNIQUE NOT NULL);
        CREATE TABLE parent (id int PRIMARY KEY);
        CREATE TABLE child (extra int) INHERITS (parent);
        CREATE TABLE parted (day date, id int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        """,
    )
    keys = {name: tuple(stream.primary_key) for name, stream in discovered(postgres_database).items()}
    assert keys == {
        "public.two": ("c", "a"),
        "public.keyless": (),
        "public.parent": (),
        "public.child": (),
        "public.parted": ("id", "day"),
    }


def test_not_null_is_promised_only_where_it_holds(postgres_database: Database, connection: psycopg.Connection) -> None:
    """PostgreSQL 18 marks a column NOT NULL before its rows are checked; Parquet would break its promise."""
    run(
        connection,
        """
        CREATE DOMAIN filled AS int NOT NULL;
        CREATE TABLE t (yes int NOT NULL, no int, unchecked int);
        INSERT INTO t VALUES (1, NULL, NULL);
        ALTER TABLE t ADD CONSTRAINT later NOT NULL unchecked NOT VALID;
        CREATE TABLE parent (id int NOT NULL NO INHERIT);
        CREATE TABLE child () INHERITS (parent);
        INSERT INTO child VALUES (NULL);
        CREATE TABLE d (id filled);
        CREATE VIEW v AS SELECT d.id FROM (VALUES (1)) x LEFT JOIN d ON false;
        """,
    )
    streams = discovered(postgres_database)
    nullable = {f"{n}.{f.name}": f.nullable for n, s in streams.items() for f in s.arrow_schema}
    assert nullable == {
        "public.t.yes": False,
        "public.t.no": True,
        "public.t.unchecked": True,
        "public.parent.id": True,
        "public.child.id": True,
        "public.d.id": True,
        "public.v.id": True,
    }
    with running_source() as source:
        assert source.read(config_of(postgres_database), "public.v").rows == [{"id": None}]
        assert source.read(config_of(postgres_database), "public.parent").rows == [{"id": None}]


def test_row_estimates_are_the_planners(postgres_database: Database, connection: psycopg.Connection) -> None:
    """They serve the progress bar: partitions count together, and unknown is not zero."""
    run(
        connection,
        """
        CREATE TABLE counted AS SELECT generate_series(1, 1000) AS id;
        CREATE TABLE unknown (id int) WITH (autovacuum_enabled = off);
        CREATE TABLE parted (id int) PARTITION BY RANGE (id);
        CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
        CREATE TABLE parted_2 PARTITION OF parted DEFAULT;
        INSERT INTO parted SELECT generate_series(1, 300);
        CREATE VIEW glimpse AS SELECT * FROM counted;
        ANALYZE counted, parted_1, parted_2;
        """,
    )
    estimates = {name: stream.estimated_rows for name, stream in discovered(postgres_database).items()}
    assert estimates == {"public.counted": 1000, "public.unknown": None, "public.parted": 300, "public.glimpse": None}


def test_cursors_are_columns_with_an_order(postgres_database: Database, connection: psycopg.Connection) -> None:
    """A stream without one can only be read as a snapshot."""
    run(
        connection,
        """
        CREATE TABLE t (a int, b text, c timestamptz, d uuid, e bool, f json, g int[], h float8, i numeric, j point);
        CREATE TABLE u (f json);
        CREATE TYPE public.text AS ENUM ('not really text');
        CREATE TABLE w (x public.text);
        """,
    )
    streams = discovered(postgres_database)
    assert list(streams["public.t"].cursor_columns) == ["a", "b", "c", "d", "i"]
    assert list(streams["public.u"].read_modes) == list(streams["public.w"].read_modes) == [ReadMode.SNAPSHOT]


@pytest.fixture
def hostile(postgres_database: Database, connection: psycopg.Connection) -> Database:
    """One table for each hostile name, in a schema of the same name, with columns of all these names."""
    columns = sql.SQL(", ").join(sql.SQL("{} int").format(sql.Identifier(name)) for name in HOSTILE)
    for number, name in enumerate(HOSTILE):
        table = sql.Identifier(name, name)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        key = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(table, columns, key))
        values = sql.SQL(", ").join(sql.Literal(number * 100 + n) for n in range(len(HOSTILE)))
        connection.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(table, values))
    return postgres_database


def test_hostile_names_are_offered_and_read_as_they_are(hostile: Database) -> None:
    """Names are data of the user's; none of them may be run, cut or mistaken."""
    config = config_of(hostile, chunk_bytes=1 << 16)
    with running_source() as source:
        streams = source.discover(config)
        assert sorted((s.namespace, s.name, *s.primary_key) for s in streams) == sorted((n, n, n) for n in HOSTILE)
        for number, name in enumerate(HOSTILE):
            (stream,) = (s for s in streams if s.name == name)
            wanted = {column: number * 100 + n for n, column in enumerate(HOSTILE)}
            identity = StreamName(stream.namespace, stream.name)
            assert source.read(config, identity).rows == [wanted]
            some = source.read(config, identity, ReadMode.INCREMENTAL, cursor_column=name, columns=[HOSTILE[4], name])
            assert some.rows == [{HOSTILE[4]: wanted[HOSTILE[4]], name: wanted[name]}]
            again = source.read(config, identity, ReadMode.INCREMENTAL, cursor_column=name, state=some.state)
            assert again.rows == []


def test_columns_that_are_not_granted_are_not_offered(
    postgres_database: Database, connection: psycopg.Connection, reader: str
) -> None:
    """`SELECT *` would fail; a key that cannot be read is no key."""
    run(
        connection,
        f"CREATE TABLE t (id int PRIMARY KEY, open text, secret text); INSERT INTO t VALUES (1, 'a', 'b');"
        f"GRANT SELECT (open) ON t TO {reader}",
    )
    config = config_of(postgres_database, user=reader, password=f"secret of {reader}")
    with running_source() as source:
        (stream,) = source.discover(config)
        assert stream.arrow_schema == pa.schema([("open", pa.string())])
        assert list(stream.primary_key) == []
        assert source.read(config, "public.t").rows == [{"open": "a"}]
        with pytest.raises(Misconfigured, match="choose one of: open") as failure:
            source.read(config, "public.t", columns=["secret"])
    assert failure.value.reason == "UNKNOWN_COLUMN"


def test_rows_hidden_by_row_level_security_stop_the_read(
    postgres_database: Database, connection: psycopg.Connection, reader: str
) -> None:
    """Also behind a view, where only the server notices."""
    run(
        connection,
        f"CREATE TABLE t AS SELECT 1 AS id; ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        f"CREATE VIEW v WITH (security_invoker) AS SELECT * FROM t; GRANT SELECT ON t, v TO {reader}",
    )
    config = config_of(postgres_database, user=reader, password=f"secret of {reader}")
    with running_source() as source:
        assert [stream.name for stream in source.discover(config)] == ["v"]
        for table, reason in [("public.t", "ROW_LEVEL_SECURITY"), ("public.v", "MISSING_PRIVILEGE")]:
            with pytest.raises(Denied, match="BYPASSRLS") as failure:
                source.read(config, table)
            assert failure.value.reason == reason


def test_unreadable_table_is_refused_with_its_grant(
    postgres_database: Database, connection: psycopg.Connection, reader: str
) -> None:
    """The privilege may be taken away after the connection was made."""
    run(connection, "CREATE TABLE t (id int)")
    config = config_of(postgres_database, user=reader, password=f"secret of {reader}")
    with running_source() as source, pytest.raises(Denied, match=f"GRANT SELECT ON public.t TO {reader}"):
        source.read(config, "public.t")


def test_discover_does_not_wait_for_a_locked_table(postgres_database: Database, connection: psycopg.Connection) -> None:
    """A long ALTER TABLE of one table must not hold up the catalogue of all others."""
    run(connection, "CREATE TABLE t (id int)")
    with connection.transaction():
        run(connection, "LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        assert list(discovered(postgres_database, lock_timeout_seconds=1)) == ["public.t"]


def test_foreign_table_is_read_and_promises_nothing(debian_database: Database) -> None:
    """The server does not enforce NOT NULL on what is elsewhere."""
    with psycopg.connect(secure_url(debian_database), autocommit=True) as connection, running_source() as source:
        run(
            connection,
            """
            CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
            CREATE FOREIGN TABLE f (a int NOT NULL) SERVER files OPTIONS (program 'echo 7; echo', null '');
            """,
        )
        config = config_of(debian_database, sslmode="require")
        (stream,) = source.discover(config)
        assert (stream.kind, stream.arrow_schema.field("a").nullable) == ("foreign table", True)
        assert source.read(config, "public.f").rows == [{"a": 7}, {"a": None}]
