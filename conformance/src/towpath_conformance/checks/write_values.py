"""Write, values: what is stored is what was sent, and what cannot be stored is never dropped in silence."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of columns open.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import grpc
import pyarrow as pa
from towpath.connector.v1 import destination_pb2

from towpath_conformance.delivery import Delivery, plain
from towpath_conformance.registry import DESTINATION, check
from towpath_conformance.trial import Trial
from towpath_conformance.values import arrow_type, as_sent, exact, matrix
from towpath_conformance.verdicts import expect, fail, skip
from towpath_conformance.writing import WriteRecording

__all__ = ["Stored", "stored_matrix"]

_Plan = destination_pb2.ColumnPlan
_MOST_LISTED = 5
_NO_REASONS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
"""Codes that blame the connector, or ask for a retry, which would fail in the same way."""


@dataclass(frozen=True)
class Stored:
    """The value matrix as it was sent, planned and read back; `seen` is in the order of `sent`."""

    sent: pa.Table
    plans: Mapping[str, destination_pb2.ColumnPlan]
    seen: pa.Table


async def stored_matrix(trial: Trial) -> Stored:
    """Write the value matrix, without the columns that cannot be stored, and read it back; this is done once."""
    return await trial.once("write matrix", lambda: _write_matrix(trial))


async def _write_matrix(trial: Trial) -> Stored:
    whole = supported_matrix(trial)
    asking = Delivery(trial, "values-asked", [plain(trial, "values", schema=whole.schema)])
    _ = (await asking.prepare()).ok
    impossible = {plan.column for plan in asking.plans if plan.fit == _Plan.FIT_IMPOSSIBLE}
    sent = whole.select([name for name in whole.schema.names if name not in impossible])
    delivery = Delivery(trial, "values", [plain(trial, "values", schema=sent.schema)])
    half = sent.num_rows // 2
    await delivery.publish(
        sent.slice(0, half).to_batches(), sent.slice(half).combine_chunks().to_batches(), key=("id",)
    )
    plans = {plan.column: plan for plan in delivery.plans}
    table = await delivery.table()
    order = {number: at for at, number in enumerate(table.column(_stored_name(plans, "id")).to_pylist())}
    missing = [number for number in range(sent.num_rows) if number not in order]
    expect(not missing, f"{len(missing)} of the {sent.num_rows} rows of the value matrix are not visible")
    return Stored(sent, plans, table.take([order[number] for number in range(sent.num_rows)]))


def supported_matrix(trial: Trial) -> pa.Table:
    """Return the value matrix without the types that the case file calls unsupported."""
    table = matrix()
    unsupported = set(trial.destination.unsupported)
    return table.select([field.name for field in table.schema if str(field.type) not in unsupported])


def _stored_name(plans: Mapping[str, destination_pb2.ColumnPlan], column: str) -> str:
    return (plans[column].stored_name if column in plans else "") or column


@check(
    "write.values",
    needs=[DESTINATION],
    asserts="Every value is stored as it was sent: extremes of each type, NaN and infinity, NULL and empty, far "
    "dates, zones, nested values; except in columns for which PrepareWrite has planned another form.",
    why="A value that changes on the way is worse than one that is missing: nobody looks for it.",
    fix="Compare the message with your type mapping. Where your system has no such value, plan the column (FIT_LOSSY, "
    "FIT_IMPOSSIBLE), or reject the row.",
)
async def values(trial: Trial) -> None:
    stored = await stored_matrix(trial)
    problems: list[str] = []
    for field in stored.sent.schema:
        if field.name in stored.plans:
            continue
        if field.name not in stored.seen.schema.names:
            problems.append(f"column {field.name!r} ({field.type}) is not in what is read back, and no plan renames it")
            continue
        column = stored.seen.column(field.name)
        sent, seen = exact(stored.sent.column(field.name)), exact(as_sent(column, field.type))
        wrong = next(((a, b) for a, b in zip(sent, seen, strict=True) if a != b), None)
        if wrong is not None:
            problems.append(
                f"column {field.name!r} ({field.type}) held {_short(wrong[0])}, {_short(wrong[1])} is visible"
            )
    more = len(problems) - _MOST_LISTED
    expect(not problems, "; ".join(problems[:_MOST_LISTED]) + (f"; and {more} more columns" if more > 0 else ""))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 120 else f"{text[:100]}… ({len(text)} characters)"


@check(
    "write.dictionaries",
    needs=[DESTINATION],
    asserts="A dictionary holds for the later batches of its schema_id, until one of them brings another.",
    why="Encoders send a dictionary once. Who looks each up in the wrong one stores valid, wrong values.",
    fix="Keep dictionaries per schema_id and replace them when a batch brings new ones; an Arrow stream reader does "
    "both.",
)
async def dictionaries(trial: Trial) -> None:
    schema = pa.schema([pa.field("id", pa.int64()), pa.field("colour", pa.dictionary(pa.int32(), pa.string()))])
    batches = [
        _coloured(schema, [1, 2, 3], [0, 1, None], ["red", "green"]),
        _coloured(schema, [4, 5], [1, 0], ["red", "green"]),
        _coloured(schema, [6, 7], [0, 1], ["blue", "red"]),
        _coloured(schema, [8], [0], ["blue", "red"]),
    ]
    expected = [(1, "red"), (2, "green"), (3, None), (4, "green"), (5, "red"), (6, "blue"), (7, "red"), (8, "blue")]
    delivery = Delivery(trial, "dictionaries", [plain(trial, "dictionaries", schema=schema)])
    await delivery.publish(batches[:2], batches[2:], key=("id",))
    seen = sorted(await delivery.visible(), key=lambda row: int(str(row[0])))
    expect(seen == expected, f"dictionary-encoded values were sent as {expected}, and are visible as {seen}")


def _coloured(schema: pa.Schema, ids: list[int], indices: list[int | None], colours: list[str]) -> pa.RecordBatch:
    encoded: Any = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(colours, pa.string()))
    return pa.RecordBatch.from_arrays([pa.array(ids, pa.int64()), encoded], schema=schema)


@check(
    "write.rejected-rows",
    needs=[DESTINATION],
    inputs=["destination.rejects"],
    asserts="A row that cannot be stored is named by its position in RejectedRows and counted nowhere, or its stream "
    "fails with a status that blames the data; it is never dropped or changed in silence.",
    why="A row has three fates: delivered, rejected where the user can see it, or the sync stops.",
    fix="Send RejectedRows with batch_seq and row_indexes before the commit that covers the batch, or fail with "
    "DATA_LOSS and a message that names stream, column and row.",
)
async def rejected_rows(trial: Trial) -> None:
    [(name, value)] = (trial.destination.rejects or {}).items()
    type_ = arrow_type(name)
    bad = Decimal(str(value)) if pa.types.is_decimal(type_) else value
    schema = pa.schema([pa.field("id", pa.int64()), pa.field("value", type_)])
    batch = pa.RecordBatch.from_arrays(
        [pa.array([1, 2, 3], pa.int64()), _typed([None, bad, None], type_)], schema=schema
    )
    delivery = Delivery(trial, "rejected", [plain(trial, "rejected", schema=schema)])
    _ = (await delivery.prepare()).ok
    if any(plan.fit == _Plan.FIT_IMPOSSIBLE for plan in delivery.plans):
        skip(f"the destination plans columns of {name} as impossible; give `destination.rejects` a type that it stores")
    async with delivery.writer() as writing:
        await writing.send(batch, key=("id",))
        committed = await writing.answer_to(await writing.send_commit())
        await writing.finish()
    recording = writing.recording
    if recording.refusal is not None:
        expect(
            recording.refusal.code not in _NO_REASONS,
            f"a row that cannot be stored fails its stream with {recording.refusal}; the status must blame the data, "
            "such as DATA_LOSS does",
        )
        return
    if committed is None:
        fail("a batch with a row that cannot be stored is neither committed nor refused")
    _ = (await delivery.complete(recording.receipts)).ok
    await _expect_rejection(delivery, recording, _typed([bad], type_))


async def _expect_rejection(delivery: Delivery, recording: WriteRecording, bad: Any) -> None:
    table = await delivery.table()
    by_id: dict[Any, Any] = dict(
        zip(table.column("id").to_pylist(), exact(as_sent(table.column("value"), bad.type)), strict=True)
    )
    if by_id.get(2, ...) == exact(bad)[0] and not recording.rejected():
        skip("the destination stores the value of `destination.rejects` as it is; give one that it cannot store")
    positions = sorted((rejected.batch_seq, row) for rejected in recording.rejected() for row in rejected.row_indexes)
    expect(
        positions == [(1, 1)],
        f"row 1 of batch 1 cannot be stored; RejectedRows names (batch, row) {positions or 'nothing'}, and visible is "
        + ("no row in its place" if 2 not in by_id else f"another value in its place: {_short(by_id[2])}"),
    )
    expect(all(rejected.reason.code for rejected in recording.rejected()), "RejectedRows comes without a reason")
    kinds = [kind for kind in recording.kinds if kind in ("rejected", "committed")]
    expect(kinds[-1:] != ["rejected"], "RejectedRows comes after the WriteCommitted that covers its batch")
    counted = sum(committed.rows[0] for committed in recording.committed())
    expect(counted == 2, f"one of three rows was rejected, and the commit counts {counted}; rejected rows do not count")
    expect(sorted(by_id) == [1, 3], f"row 2 of rows 1, 2 and 3 was rejected, and visible are {sorted(by_id)}")


def _typed(values: list[Any], type_: pa.DataType) -> Any:
    """Return values of a type; numbers stand for points in time, as they do in Arrow."""
    if pa.types.is_temporal(type_) and all(value is None or isinstance(value, int) for value in values):
        wide = type_.bit_width == 64
        return pa.array(values, pa.int64() if wide else pa.int32()).cast(type_)
    return pa.array(values, type_)
