"""Write, PrepareWrite: what it plans is true, and repeating or only asking changes nothing."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of columns open.
from __future__ import annotations

import pyarrow as pa
from towpath.connector.v1 import destination_pb2

from towpath_conformance.checks.write_stream import labelled
from towpath_conformance.checks.write_values import stored_matrix, supported_matrix
from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.model import difference
from towpath_conformance.registry import DESTINATION, check
from towpath_conformance.trial import Trial
from towpath_conformance.values import exact
from towpath_conformance.verdicts import Failed, expect, fail, skip

_Plan = destination_pb2.ColumnPlan
_FITS = (_Plan.FIT_LOSSLESS, _Plan.FIT_LOSSY, _Plan.FIT_NEEDS_REFRESH, _Plan.FIT_IMPOSSIBLE)


@check(
    "write.column-plans",
    needs=[DESTINATION],
    asserts="Each ColumnPlan names a column of the request, once, with a fit, a name in the destination and, unless "
    "it is lossless, a reason; what is stored then lies under that name, and what is called lossless keeps different "
    "values different.",
    why="The plan is what a user is told before data move; what it does not say, nobody will look for.",
    fix="Derive plan and storage from one table of types; give a plan for each column that changes its name or form.",
)
async def column_plans(trial: Trial) -> None:
    whole = supported_matrix(trial)
    delivery = Delivery(trial, "column-plans", [plain(trial, "column_plans", schema=whole.schema)])
    _ = (await delivery.prepare()).ok
    for plan in delivery.plans:
        what = f"the plan of column {plan.column!r}"
        expect(plan.stream == 0, f"{what} is about stream {plan.stream}; there is only stream 0")
        expect(plan.column in whole.schema.names, f"{what} is about a column that the stream does not have")
        expect(plan.fit in _FITS, f"{what} has no fit: {plan.fit}")
        if plan.fit == _Plan.FIT_NEEDS_REFRESH:
            fail(f"{what} needs a refresh, and the stream holds no data: {plan.reason}")
        stored = plan.fit != _Plan.FIT_IMPOSSIBLE
        expect(plan.stored_name or not stored, f"{what} does not say under which name it is stored")
        expect(plan.reason or plan.fit == _Plan.FIT_LOSSLESS, f"{what} gives no reason for the user")
    planned = [plan.column for plan in delivery.plans]
    twice = sorted({name for name in planned if planned.count(name) > 1})
    expect(not twice, f"there are several plans for the columns {twice}")
    await _expect_kept(trial)


async def _expect_kept(trial: Trial) -> None:
    try:
        stored = await stored_matrix(trial)
    except Failed as failure:
        skip(f"the value matrix could not be written, which write.values judges: {failure}")
    for column, plan in stored.plans.items():
        if column not in stored.sent.schema.names or plan.fit not in (_Plan.FIT_LOSSLESS, _Plan.FIT_LOSSY):
            continue
        name = plan.stored_name
        if name not in stored.seen.schema.names:
            fail(f"the plan says that column {column!r} is stored as {name!r}, and no such column is read back")
        if plan.fit == _Plan.FIT_LOSSLESS:
            sent, seen = exact(stored.sent.column(column)), exact(stored.seen.column(name))
            expect(
                [value is None for value in sent] == [value is None for value in seen],
                f"the plan says that column {column!r} is stored without loss, and NULL and values are mixed up",
            )
            pairs = set(zip(map(repr, sent), map(repr, seen), strict=True))
            expect(
                len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}),
                f"the plan says that column {column!r} is stored without loss, and different values have become equal",
            )


@check(
    "write.prepare-idempotent",
    needs=[DESTINATION],
    asserts="PrepareWrite with the same write_id and schemas may be repeated, also when data are there already: it "
    "answers the same plan and leaves every row.",
    why="Every attempt of a job prepares again.",
    fix="Create only what is missing; derive the plan from request and stored schema alone.",
)
async def prepare_idempotent(trial: Trial) -> None:
    asked = Delivery(trial, "prepare-matrix", [plain(trial, "prepare_matrix", schema=supported_matrix(trial).schema)])
    answers: list[list[bytes]] = []
    for _ in range(2):
        _ = (await asked.prepare()).ok
        answers.append(sorted(plan.SerializeToString(deterministic=True) for plan in asked.plans))
    expect(answers[0] == answers[1], "PrepareWrite was repeated with the same request, and answers another plan")
    delivery = Delivery(trial, "prepare-again", [plain(trial, "prepare_again")])
    rows = labelled(trial, "prepare", 1, 6)
    recording = await delivery.write([records(rows)], key=("id",))
    again = await delivery.prepare()
    expect(again.failure is None, f"PrepareWrite was repeated after a commit, and failed: {again.failure}")
    _ = (await delivery.complete(recording.receipts)).ok
    later = await delivery.prepare()
    expect(later.failure is None, f"PrepareWrite was repeated after CompleteWrite, and failed: {later.failure}")
    problem = difference(rows, await delivery.visible())
    expect(not problem, f"PrepareWrite was repeated after a commit and after CompleteWrite: {problem}")


@check(
    "write.prepare-dry-run",
    needs=[DESTINATION],
    asserts="PrepareWrite with dry_run changes nothing that readers can see: it creates no stream and adds no column.",
    why="It is asked while a user is still making up their mind.",
    fix="With dry_run, plan as usual and return before anything is created or migrated.",
)
async def prepare_dry_run(trial: Trial) -> None:
    wide = pa.schema([("id", pa.int64()), ("label", pa.string()), ("extra", pa.int64())])
    await Delivery(trial, "dry-run-base", [plain(trial, "dry_run")]).publish(
        [records(labelled(trial, "dry", 1, 5))], key=("id",)
    )
    for name, what in (("dry_run_new", "a new stream"), ("dry_run", "a stream that lacks one of the columns")):
        delivery = Delivery(trial, f"{name}-asked", [plain(trial, name, schema=wide)])
        before = await delivery.table()
        _ = (await delivery.prepare(dry_run=True)).ok
        after = await delivery.table()
        expect(
            (before.schema.names, before.num_rows) == (after.schema.names, after.num_rows),
            f"PrepareWrite with dry_run of {what}: {before.num_rows} rows of the columns {before.schema.names} were "
            f"visible before it, and {after.num_rows} of {after.schema.names} are afterwards",
        )
