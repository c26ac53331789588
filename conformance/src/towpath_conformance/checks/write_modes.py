"""Write, what becomes of rows: each mode against the reference model."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pyarrow as pa
from towpath.connector.v1 import types_pb2

from towpath_conformance.checks.write_stream import labelled, several_streams
from towpath_conformance.delivery import OP, POSITION, Delivery, plain, records, together
from towpath_conformance.model import Change, Held, Op, Row, appended, completed, difference, merged, visible
from towpath_conformance.registry import APPEND, DEDUP, DESTINATION, OVERWRITE, WRITERS, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect

_APPEND, _OVERWRITE = types_pb2.WRITE_MODE_APPEND, types_pb2.WRITE_MODE_OVERWRITE
_DEDUP = types_pb2.WRITE_MODE_DEDUP
_MOST_WRITERS = 4
_CHANGES = pa.schema(
    [
        pa.field(OP, pa.uint8()),
        pa.field(POSITION, pa.binary()),
        pa.field("region", pa.string()),
        pa.field("id", pa.int64()),
        pa.field("label", pa.string()),
    ]
)
"""A change stream with a key of two columns."""


@check(
    "write.append",
    needs=[DESTINATION, APPEND],
    asserts="WRITE_MODE_APPEND keeps the rows that are there and adds the new ones, each as often as it was sent, "
    "also when rows are equal and when values are NULL.",
    why="A stream without a key may hold equal rows; a lost or a doubled one changes every sum.",
    fix="Store every row of every batch, and look at none of those that are there.",
)
async def append(trial: Trial) -> None:
    held: list[Held] = []
    target = plain(trial, "append", _APPEND, key=())
    for write, first in (("first", 1), ("second", 21)):
        rows = labelled(trial, "append", first, 20)
        sent = [rows, [*rows[:3], rows[0], (None, None), (None, None)], rows[5:10]]
        held = appended(held, target.generation, [row for batch in sent for row in batch])
        await Delivery(trial, f"append-{write}", [target]).publish(
            [records(sent[0]), records(sent[1])], [records(sent[2])]
        )
    await _expect_visible(Delivery(trial, "append", [target]), visible(held), "two writes appended")


@check(
    "write.overwrite",
    needs=[DESTINATION, OVERWRITE],
    asserts="After a completed WRITE_MODE_OVERWRITE exactly the rows of the new generation are visible.",
    why="A refresh that leaves old rows behind, or takes new ones with them, is worse than none.",
    fix="When a stream completes, remove the rows whose generation is below its minimum_generation_id, and no others.",
)
async def overwrite(trial: Trial) -> None:
    held: list[Held] = []
    for generation in (1, 2):
        target = plain(trial, "overwrite", _OVERWRITE, generation=generation, minimum=generation)
        first, second = labelled(trial, "overwrite", 10 * generation, 12), labelled(trial, "more", 50 * generation, 4)
        held = completed(appended(held, generation, [*first, *second, first[0]]), target.minimum)
        delivery = Delivery(trial, f"overwrite-{generation}", [target])
        await delivery.publish([records(first)], [records(second), records(first[:1])])
    await _expect_visible(delivery, visible(held), "a second generation replaced the first")


@check(
    "write.overwrite-with-nothing",
    needs=[DESTINATION, OVERWRITE],
    asserts="A completed WRITE_MODE_OVERWRITE without a single row leaves the stream empty.",
    why="A table that was emptied at the source must not stay full at the destination.",
    fix="Remove older generations of every stream in completed_streams, whether receipts name rows of it or not.",
)
async def overwrite_with_nothing(trial: Trial) -> None:
    await Delivery(
        trial, "overwrite-nothing-1", [plain(trial, "overwrite_nothing", _OVERWRITE, generation=1, minimum=1)]
    ).publish([records(labelled(trial, "nothing", 1, 5))])
    target = plain(trial, "overwrite_nothing", _OVERWRITE, generation=2, minimum=2)
    delivery = Delivery(trial, "overwrite-nothing-2", [target])
    await delivery.publish([])
    await _expect_visible(delivery, [], "5 rows were replaced by a generation of none")


@check(
    "write.dedup",
    needs=[DESTINATION, DEDUP],
    asserts="WRITE_MODE_DEDUP keeps one row for each key: the last one in the order of delivery, within a batch, "
    "across batches, commits and writes; a delete removes its key, and does nothing where there is none; a truncate "
    "removes all.",
    why="It is how a table at the destination comes to equal the table at the source.",
    fix="Apply rows in the order in which they came, by the whole key; in a key, NULL equals NULL. The columns "
    "_towpath_op and _towpath_position say what to do, and are not part of the row.",
)
async def dedup(trial: Trial) -> None:
    await _dedup_plain(trial)
    await _dedup_changes(trial)


async def _dedup_plain(trial: Trial) -> None:
    """Rows without operations are upserts."""
    target = plain(trial, "dedup", _DEDUP)
    held: list[Held] = []
    for write in (1, 2):
        rows = labelled(trial, f"dedup-{write}", 10 * write, 20)
        again: list[Row] = [(row[0], f"again {write}") for row in rows[::3]]
        once_more: list[Row] = [(rows[0][0], None), (rows[1][0], "twice"), (rows[1][0], "in one batch")]
        held = merged(held, 1, [Change(row) for row in [*rows, *again, *once_more]], [0])
        delivery = Delivery(trial, f"dedup-{write}", [target])
        await delivery.publish([records(rows), records(again)], [records(once_more)], key=target.key)
    await _expect_visible(delivery, visible(held), "two writes upserted rows with equal keys")


async def _dedup_changes(trial: Trial) -> None:
    """Rows with operations, a key of two columns, one of them nullable."""
    target = plain(trial, "dedup_changes", _DEDUP, schema=_CHANGES, key=("region", "id"))
    first = [
        *(Change((region, number, f"{region} {number}")) for region in ("north", "south", None) for number in range(6)),
        Change(("north", 1, None), Op.DELETE),
        Change(("nowhere", 99, None), Op.DELETE),
        Change(("south", 2, None), Op.DELETE),
        Change(("south", 2, "back again")),
        Change((None, 3, None), Op.DELETE),
    ]
    second = [
        Change(("north", 2, None), Op.DELETE),
        Change(("north", 1, "returned")),
        Change(("nowhere", 98, None), Op.DELETE),
        Change(("", 0, "an empty region is not NULL")),
    ]
    third = [
        Change(("south", 5, "before the truncate")),
        Change((None, None, None), Op.TRUNCATE),
        Change(("north", 7, "after the truncate")),
    ]
    held: list[Held] = []
    for write, changes in enumerate((first, second, third), 1):
        held = merged(held, 1, changes, [0, 1])
        delivery = Delivery(trial, f"dedup-changes-{write}", [target])
        half = len(changes) // 2
        await delivery.publish([_changes(changes[:half])], [_changes(changes[half:])], key=target.key)
        await _expect_visible(delivery, visible(held), f"write {write} of 3 upserted and deleted rows")
        stored = {OP, POSITION}.intersection((await delivery.table()).schema.names)
        expect(not stored, f"the operations of a change stream are stored as the columns {sorted(stored)}")


def _changes(changes: list[Change]) -> pa.RecordBatch:
    rows: list[Row] = [
        (int(change.op), position.to_bytes(8, "big"), *change.row) for position, change in enumerate(changes)
    ]
    return records(rows, _CHANGES)


@check(
    "write.partial-updates",
    needs=[DESTINATION, DEDUP],
    asserts="A partial update in WRITE_MODE_DEDUP changes the columns that its schema has and leaves the others as "
    "they are; where there is no such row it makes one, with NULL in them.",
    why="Databases leave large values that did not change out of their logs; taking that for NULL deletes them.",
    fix="For rows whose _towpath_op is 2, merge by column: keep what the batch's schema does not have.",
)
async def partial_updates(trial: Trial) -> None:
    whole = pa.schema([(OP, pa.uint8()), ("id", pa.int64()), ("label", pa.string()), ("size", pa.int64())])
    part = pa.schema([(OP, pa.uint8()), ("id", pa.int64()), ("size", pa.int64())])
    target = plain(trial, "partial_updates", _DEDUP, schema=whole)
    rows: list[Row] = [(number, f"label {number}", 10 * number) for number in range(1, 6)]
    changes = [
        Change((number, None, size), Op.PARTIAL, frozenset((0, 2))) for number, size in ((2, -2), (3, None), (9, 9))
    ]
    held = merged(merged([], 1, [Change(row) for row in rows], [0]), 1, changes, [0])
    delivery = Delivery(trial, "partial-updates", [target])
    upserts = records([(int(Op.UPSERT), *row) for row in rows], whole)
    updates = records([(int(change.op), change.row[0], change.row[2]) for change in changes], part)
    await delivery.publish([upserts], [updates], key=target.key)
    await _expect_visible(delivery, visible(held), "of three columns, partial updates brought the key and one more")


@check(
    "write.two-streams",
    needs=[DESTINATION],
    asserts="Rows of several streams in one Write arrive each in its own stream.",
    why="One Write may carry many tables; the index of the stream is all that tells their batches apart.",
    fix="Look the stream up by Batch.stream, an index into WriteOpen.streams, for every batch.",
)
async def two_streams(trial: Trial) -> None:
    written = await several_streams(trial)
    for index, sent in enumerate(written.sent):
        problem = difference(sent, await written.delivery.visible(index))
        expect(not problem, f"of three streams in one Write, stream {index}: {problem}")


@check(
    "write.schema-change",
    needs=[DESTINATION],
    asserts="A second schema in the middle of a stream is taken, batches of the first one may still follow, and every "
    "row keeps its values; a column that a row does not have reads as NULL.",
    why="Tables get columns while they are read. Stopping there, or dropping the new column, loses data.",
    fix="Keep every announced schema of the call; begin a new file, or migrate the table in PrepareWrite, which is "
    "called before the new schema is announced.",
)
async def schema_change(trial: Trial) -> None:
    target = plain(trial, "schema_change")
    delivery = Delivery(trial, "schema-change", [target])
    wide = pa.schema([pa.field("id", pa.int64()), pa.field("label", pa.string()), pa.field("extra", pa.int64())])
    before, after = labelled(trial, "before", 1, 8), labelled(trial, "later", 101, 4)
    widened: list[Row] = [(*row, 1000 + number) for number, row in enumerate(labelled(trial, "wide", 51, 8))]
    _ = (await delivery.prepare()).ok
    async with delivery.writer() as writing:
        await writing.send(records(before), key=target.key)
        _ = (await delivery.prepare([wide])).ok
        await writing.send(records(widened, wide), key=target.key)
        await writing.send(records(after), key=target.key)
        receipt = await writing.commit()
        await writing.finish()
    _ = (await delivery.complete([receipt])).ok
    seen = await delivery.visible(schema=wide)
    problem = difference([*((*row, None) for row in [*before, *after]), *widened], seen)
    expect(not problem, f"a column was added in the middle of a stream: {problem}")


@check(
    "write.generations",
    needs=[DESTINATION],
    asserts="Rows of older generations stay until a stream completes: while the new one is written, and when it is "
    "published without its stream in completed_streams. Then those below minimum_generation_id go away, and no others.",
    why="Readers must never see a table that is half old and half gone.",
    fix="Remove in CompleteWrite, after publication, what is below minimum_generation_id of the streams that "
    "completed_streams names; nothing anywhere else.",
)
async def generations(trial: Trial) -> None:
    modes = [mode for mode in (_APPEND, _DEDUP) if mode in trial.spec.destination.write_modes] or [_OVERWRITE]
    await together(*(_generations(trial, mode) for mode in modes))


async def _generations(trial: Trial, mode: types_pb2.WriteMode) -> None:
    word = types_pb2.WriteMode.Name(mode).removeprefix("WRITE_MODE_").lower()
    held: list[Held] = []

    async def step(name: str, first: int, generation: int, minimum: int, *, done: bool) -> None:
        nonlocal held
        target = plain(trial, f"generations_{word}", mode, generation=generation, minimum=minimum)
        delivery = Delivery(trial, f"generations-{word}-{name}", [target])
        rows = labelled(trial, name, first, 6)
        recording = await delivery.write([records(rows)], key=target.key)
        left = difference(visible(held), [row for row in await delivery.visible() if row not in rows])
        expect(not left, f"generation {generation} is written and not yet completed, and of the older rows: {left}")
        _ = (await delivery.complete(recording.receipts, completed=[target] if done else [])).ok
        held = completed(appended(held, generation, rows), minimum if done else 0)
        await _expect_visible(
            delivery,
            visible(held),
            f"in the mode {word}, generation {generation} with minimum_generation_id {minimum} was published, with its "
            + ("stream in completed_streams" if done else "stream missing in completed_streams"),
        )

    await step("first", 1, 1, 1, done=True)
    await step("unfinished", 101, 2, 2, done=False)
    await step("finished", 201, 2, 2, done=True)
    if mode != _OVERWRITE:  # which always replaces
        await step("later", 301, 3, 2, done=True)


@check(
    "write.parallel-writers",
    needs=[DESTINATION, WRITERS],
    asserts="Several writers of one stream at the same time store what one after the other would have stored.",
    why="The platform divides a large table among the writers that max_writers_per_stream allows.",
    fix="Let everything that a writer stages carry its writer_id, and share nothing between writers until "
    "CompleteWrite.",
)
async def parallel_writers(trial: Trial) -> None:
    count = min(_MOST_WRITERS, trial.spec.destination.max_writers_per_stream)
    delivery = Delivery(trial, "parallel-writers", [plain(trial, "parallel_writers")])
    _ = (await delivery.prepare()).ok
    all_open = asyncio.Barrier(count)
    shares = [labelled(trial, "parallel", 100 * number + 1, 30) for number in range(count)]

    async def run(number: int, rows: list[Row]) -> list[bytes]:
        async with delivery.writer(writer=f"writer-{number}") as writing:
            await all_open.wait()
            for half in (rows[:15], rows[15:]):
                await writing.send(records(half), key=delivery.targets[0].key)
                await writing.commit()
            recording = await writing.finish()
        return recording.receipts

    receipts = await together(*(run(number, rows) for number, rows in enumerate(shares)))
    _ = (await delivery.complete([receipt for of_writer in receipts for receipt in of_writer])).ok
    await _expect_visible(delivery, [row for rows in shares for row in rows], f"{count} writers wrote at the same time")


_NAMES = ("Orders", "orders", "../a b.c\\d", "quo\"te's; --", "ÄÖÜ ☃ 名前 😀", "%2F%00")
_COLUMNS = ("id", "ID", "a b", "a.b", "quo\"te's", "semi;colon--", "select", "ünï ☃ 名", "u\u0308ni\u0308 ☃ 名", "100%")


@check(
    "write.unicode-names",
    needs=[DESTINATION],
    asserts="Any stream name and any column name is told from every other one: letter case, spaces, quotes, dots, "
    "slashes, and what is not ASCII included. What the destination must rename, its plan says.",
    why="Names come from other people's systems. Two that fall together mix their rows.",
    fix="Quote names, and encode what your system does not allow so that different names stay different; report "
    "renamed columns in PrepareWrite.",
)
async def unicode_names(trial: Trial) -> None:
    schema = pa.schema([pa.field(name, pa.int64()) for name in _COLUMNS])
    template = plain(trial, "names", schema=schema)
    deliveries = [
        Delivery(trial, f"names-{number}", [replace(template, name=f"{name} {trial.run}")])
        for number, name in enumerate(_NAMES)
    ]
    rows: list[list[Row]] = [
        [tuple(1000 * number + 10 * row + at for at in range(len(_COLUMNS))) for row in range(3)]
        for number in range(len(_NAMES))
    ]
    await together(
        *(
            delivery.publish([records(of_stream, schema)], key=template.key)
            for delivery, of_stream in zip(deliveries, rows, strict=True)
        )
    )
    for delivery, of_stream in zip(deliveries, rows, strict=True):
        problem = difference(of_stream, await delivery.visible())
        expect(not problem, f"the stream {delivery.targets[0].name!r}: {problem}")


async def _expect_visible(delivery: Delivery, expected: list[Row], what: str) -> None:
    problem = difference(expected, await delivery.visible())
    expect(not problem, f"{what}; {problem}")
