"""Read, values: a column of every type, compared exactly with what is expected."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of columns open.
from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from pyarrow import parquet

from towpath_conformance.actions import ActionFailed
from towpath_conformance.readings import missing, row_text
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.rows import table_of_lines
from towpath_conformance.trial import Trial
from towpath_conformance.values import as_sent, exact
from towpath_conformance.verdicts import Failed, expect, fail, skip

_JSON_LINES = frozenset({".json", ".jsonl", ".ndjson"})


@check(
    "read.type-matrix",
    needs=[SOURCE],
    inputs=["source.type_matrix"],
    asserts="Every value of every type comes out exactly as in the expected file, NULLs and extremes included; where "
    "that is an Arrow file, under exactly its types.",
    why="A value that changes on the way changes without a word: a cent, a time zone, the last digit of an id.",
    fix="The message names the first column that differs. Use a type that holds every value of the column, or fail.",
)
async def type_matrix(trial: Trial) -> None:
    matrix = trial.source.type_matrix
    assert matrix is not None
    path = trial.case.folder / matrix.expected
    expected = _expected(path)
    reading = await trial.reading(matrix.stream)
    if reading.refusal is not None:
        fail(f"reading {matrix.stream} failed: {reading.refusal}")
    try:
        batches = reading.records()
    except Failed as failure:
        skip(f"the batches of {matrix.stream} cannot be decoded, which read.arrow-valid judges: {failure}")
    if not batches:
        fail(f"{matrix.stream} has no rows; {path.name} has {expected.num_rows}")
    schema = batches[0].schema
    expect(
        sorted(schema.names) == sorted(expected.schema.names),
        f"{matrix.stream} has the columns {schema.names}; {path.name} has {expected.schema.names}",
    )
    due: list[list[Any]] = []
    seen: list[list[Any]] = []
    for name in schema.names:
        data_type = schema.field(name).type
        column = expected.column(name)
        if path.suffix == ".arrow":
            expect(data_type.equals(column.type), f"column {name!r} is {data_type}; it should be {column.type}")
        due.append(exact(as_sent(column, data_type)))
        seen.append([value for batch in batches for value in exact(batch.column(name))])
        _expect_same(name, due[-1], seen[-1])
    lost = missing(zip(*due, strict=True), zip(*seen, strict=True))
    expect(not lost, f"{len(lost)} rows of {matrix.stream} hold values of different rows: {row_text((*lost, ())[0])}")


def _expect_same(name: str, due: list[Any], seen: list[Any]) -> None:
    expect(len(due) == len(seen), f"there are {len(seen)} rows; {len(due)} are expected")
    lacks, strange = Counter(due) - Counter(seen), Counter(seen) - Counter(due)
    if lacks or strange:
        fail(
            f"column {name!r} lacks {sum(lacks.values())} expected values, such as {row_text((next(iter(lacks)),))}, "
            f"and has others, such as {row_text((next(iter(strange)),))}"
        )


def _expected(path: Path) -> pa.Table:
    try:
        if path.suffix in _JSON_LINES:
            return table_of_lines(path.read_bytes())
        if path.suffix == ".parquet":
            return cast("pa.Table", cast("Any", parquet).read_table(path))
        with pa.ipc.open_file(str(path)) as reader:
            return reader.read_all()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ActionFailed(f"the expected rows in {path} cannot be read: {error}") from error
