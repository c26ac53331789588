"""Every PostgreSQL type with its extremes, from the table to the file, value by value; in Parquet and in JSON Lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import pyarrow as pa
import pytest
from end_to_end_json_lines import faithful, interval_parts, read_back
from end_to_end_pipe import METADATA, Pipe, fresh_pipe, stream
from fix_postgres import FAST_DEBIAN_SETTINGS
from fix_requirements import require_debian_postgres
from stack import Stack
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_local.embedded.s3 import EmbeddedS3
from type_matrix import CASES, EXTENSION_CASES, create_matrix, delivered, expected, expected_schema

TYPES = [*CASES, *EXTENSION_CASES]
Column = Sequence[Any]


@pytest.fixture(scope="module")
def typed_pipe(s3: EmbeddedS3, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipe]:
    """A pipe from Debian's PostgreSQL, which has the extensions, with a table of every type."""
    programs = require_debian_postgres()
    directory = tmp_path_factory.mktemp("debian")
    server = EmbeddedPostgres(directory, programs=programs, settings=FAST_DEBIAN_SETTINGS)
    with server, fresh_pipe(stack, server, s3) as pipe:
        with pipe.database.connect() as connection:
            create_matrix(connection, TYPES)
        yield pipe


@pytest.fixture(scope="module")
def wanted(typed_pipe: Pipe) -> Mapping[str, Column]:
    """What SQL says."""
    with typed_pipe.database.connect() as connection:
        return expected(connection, TYPES)


@pytest.fixture(scope="module")
def parquet(typed_pipe: Pipe) -> pa.Table:
    """The table as Parquet, without metadata columns."""
    typed_pipe.succeed(typed_pipe.connect(stream("type_matrix"), prefix="parquet"))
    return typed_pipe.delivered("type_matrix", prefix="parquet").drop(list(METADATA))


@pytest.fixture(scope="module")
def lines(typed_pipe: Pipe) -> list[str]:
    """The table as JSON Lines, without metadata columns."""
    form = {"type": "jsonl", "compression": "zstd"}
    connection = typed_pipe.connect(stream("type_matrix"), prefix="lines", format=form, metadata_columns=False)
    typed_pipe.succeed(connection)
    return typed_pipe.lines("type_matrix", prefix="lines")


@pytest.mark.parametrize("column", ["id", *(case.column for case in TYPES)])
def test_type_is_stored_exactly_in_parquet(parquet: pa.Table, wanted: Mapping[str, Column], column: str) -> None:
    """A value that changes on the way without an error is the worst that can happen; its type says what it is."""
    type_ = expected_schema(TYPES)[column]
    found = delivered(parquet.select(["id", column] if column != "id" else ["id"]))[column]
    if pa.types.is_interval(type_):  # Parquet has no such type that readers know
        found, type_ = [interval_parts(cast("Any", text)) for text in found], pa.string()
    assert found == wanted[column]
    assert parquet.schema.field(column).type == type_


@pytest.mark.parametrize("column", ["id", *(case.column for case in TYPES)])
def test_type_is_stored_exactly_in_json_lines(lines: list[str], wanted: Mapping[str, Column], column: str) -> None:
    """JSON has few types; what it lacks is text, but every digit is there, and readers get the same value back."""
    type_ = expected_schema(TYPES)[column]
    due = wanted[column]
    if isinstance(type_, pa.JsonType):
        due = [None if document is None else faithful(document) for document in due]
    assert read_back(lines, {"id": pa.int32(), column: type_})[column] == due


def test_columns_stand_in_the_order_of_the_table(parquet: pa.Table, lines: list[str]) -> None:
    """Readers of JSON Lines, too, take the first line for the form of the table."""
    names = list(expected_schema(TYPES))
    assert parquet.schema.names == names
    assert all([name for name, _ in faithful(line)] == names for line in lines)
