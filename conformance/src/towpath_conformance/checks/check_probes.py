"""Check: its probes, what they say when they fail, and what they leave alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc

from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.failure import Failure
from towpath_conformance.model import Row
from towpath_conformance.registry import check
from towpath_conformance.trial import Trial
from towpath_conformance.trying import probes_of, spoilt_json, try_invalid, try_valid
from towpath_conformance.verdicts import Failed, expect, skip

_SOON = (0.001, 0.02, 0.1)
"""Deadlines, in seconds: before the call arrives, before it can do much, and in the middle of some probes."""


@check(
    "check.valid-passes",
    asserts="Check of the valid configuration runs at least one probe, and all pass. Names of probes are not empty, "
    "each comes once, and they are the same the next time.",
    why="It is the button that users press first; the names are what documents and support refer to.",
    fix='Name each probe after what it tries, such as "network" or "permissions.select", and never by what it finds.',
)
async def valid_passes(trial: Trial) -> None:
    answer = await try_valid(trial)
    for result in answer.ok.results:
        status = result.status
        expect(not status.code, f"probe {result.probe!r} fails with code {status.code}: {status.message}")
    probes = probes_of(answer)
    expect(probes, "Check of the valid configuration ran no probe")
    expect(all(probes), "a probe has an empty name")
    twice = [name for name, times in Counter(probes).items() if times > 1]
    expect(not twice, f"the probe {twice[:1]} comes more than once")
    again = probes_of(await (await trial.peer()).check(trial.case.config_json, trial.case.patience.call_seconds))
    expect(again == probes, f"the probes are {', '.join(again)} the second time, and were {', '.join(probes)}")


@check(
    "check.invalid-configs",
    inputs=["invalid"],
    asserts="Each invalid configuration of the case file fails as it says. What is wrong with the remote system is a "
    "failed probe; the call itself fails only with INVALID_ARGUMENT, for what does not match the schema.",
    why="A check that passes promises a sync that works; a call that fails reads like an outage of the platform.",
    fix="Try for real what a sync will do, and put what a probe meets into its CheckResult.",
)
async def invalid_configs(trial: Trial) -> None:
    for tried in await try_invalid(trial):
        name, fails = tried.invalid.name, tried.invalid.fails
        call = tried.answer.failure
        expect(
            call is None or call.code is grpc.StatusCode.INVALID_ARGUMENT,
            f"{name}: Check itself fails with {call}; it should answer with a failed probe",
        )
        expect(tried.failures, f"{name}: Check passes; it should fail")
        failed = ", ".join(probe or f"the call ({failure})" for probe, failure in tried.failures)
        failure = tried.expected_failure
        if failure is None:
            raise Failed(f"{name}: probe {fails.probe} should fail; what failed is {failed}")
        if fails.field is not None:
            fields = ", ".join(failure.fields) or "nothing"
            expect(fails.field in failure.fields, f"{name}: BadRequest should name {fails.field}, and names {fields}")
        if fails.reason is not None:
            expect(
                failure.reason == fails.reason,
                f"{name}: the reason should be {fails.reason}, and is {failure.reason or 'empty'}",
            )


@check(
    "check.reasons-differ",
    asserts="Wrong credentials and a system that cannot be reached fail with different reasons (ErrorInfo.reason).",
    why="The one is mended by typing anew, the other by whoever runs the network; programs tell them apart by it.",
    fix="Choose the reason by the driver's error code, never by its text, one for each thing that can be mended.",
)
async def reasons_differ(trial: Trial) -> None:
    kinds = {"credentials", "unreachable"}
    missing = kinds - {invalid.kind for invalid in trial.case.invalid}
    if missing:
        skip(f"`invalid` of the case file does not declare a configuration of kind {' or '.join(sorted(missing))}")
    reasons: dict[str, dict[str, str]] = {kind: {} for kind in kinds}
    for tried in await try_invalid(trial):
        failure = tried.expected_failure
        if tried.invalid.kind in kinds and failure is not None and failure.reason:
            reasons[tried.invalid.kind][failure.reason] = tried.invalid.name
    for reason, name in reasons["credentials"].items():
        other = reasons["unreachable"].get(reason)
        expect(other is None, f"{name!r} and {other!r} fail with the same reason {reason}")


@check(
    "check.failure-has-next-step",
    inputs=["invalid"],
    asserts="Each failure of a Check carries ErrorInfo with reason and domain, and FailureInfo with a user_message.",
    why="The message is shown to a person who has to do something now; the reason is what programs go by.",
    fix='Attach both details to every status, and write what to do next: "role `app` lacks SELECT; GRANT SELECT …".',
)
async def failure_has_next_step(trial: Trial) -> None:
    for tried in await try_invalid(trial):
        for probe, failure in tried.failures:
            missing = _missing(failure)
            where = f"probe {probe}" if probe else "the call"
            expect(not missing, f"{tried.invalid.name}: {where} fails without {missing}: {failure}")


def _missing(failure: Failure) -> str:
    if not failure.reason or not failure.domain:
        return "ErrorInfo.reason" if not failure.reason else "ErrorInfo.domain"
    return "" if failure.user_message.strip() else "FailureInfo.user_message"


@check(
    "check.changes-nothing",
    asserts="Check, whether it passes or fails, changes nothing that can be seen: neither the catalogue of a source, "
    "nor what a destination has published or staged.",
    why="Users press the button while syncs run, and before they have decided anything.",
    fix="Read where reading will do; where only writing tells, write something of your own and remove it again.",
)
async def changes_nothing(trial: Trial) -> None:
    async def check_all() -> None:
        peer = await trial.peer()
        await peer.check(trial.case.config_json, trial.case.patience.call_seconds)
        for invalid in trial.case.invalid:
            if invalid.kind != "unreachable":
                await peer.check(spoilt_json(trial, invalid), trial.case.patience.call_seconds)

    judged = False
    if trial.is_source:
        judged = await _catalogue_stays(trial, check_all) or judged
    if trial.is_destination:
        judged = await _rows_stay(trial, check_all) or judged
    if not judged:
        skip("neither a catalogue nor written rows can be seen; see the groups discover and write")


async def _catalogue_stays(trial: Trial, check_all: Callable[[], Awaitable[None]]) -> bool:
    """Compare what Discover finds before and after; up to three times, because something else may change it."""
    peer, seconds = await trial.peer(), trial.case.patience.call_seconds
    changed = ""
    for _ in range(3):
        before = await peer.discover(trial.case.config_json, seconds)
        await check_all()
        after = await peer.discover(trial.case.config_json, seconds)
        if before.failure is not None or after.failure is not None:
            return False
        found = [_catalogue(answer.responses) for answer in (before, after)]
        changed = ", ".join(sorted(name for name, _ in set(found[0].items()) ^ set(found[1].items())))
        if not changed:
            return True
    raise Failed(f"after Check, Discover finds other streams, or finds them changed: {changed}")


def _catalogue(pages: Any) -> dict[str, bytes]:
    """Streams by name, without what may change by itself."""
    found: dict[str, bytes] = {}
    for stream in (stream for page in pages for stream in page.streams):
        copy = type(stream)()
        copy.CopyFrom(stream)
        copy.ClearField("estimated_rows")
        found[f"{stream.name.namespace}.{stream.name.name}"] = copy.SerializeToString(deterministic=True)
    return found


async def _rows_stay(trial: Trial, check_all: Callable[[], Awaitable[None]]) -> bool:
    """Write the same rows twice, the second time with Checks in the middle and after it."""
    try:
        expected, _ = await _written(trial, "check_nothing", None)
    except Failed:
        return False
    staged, delivery = await _written(trial, "check_changes_nothing", check_all)
    expect(
        staged == expected,
        f"with Checks between its commits and before it was completed, a write shows {len(staged)} rows instead of "
        f"{len(expected)}",
    )
    await check_all()
    published = _counted(await delivery.visible())
    expect(published == expected, f"after Check, {sum(published.values())} of {sum(expected.values())} rows are there")
    return True


async def _written(
    trial: Trial, name: str, between: Callable[[], Awaitable[None]] | None
) -> tuple[Counter[Row], Delivery]:
    delivery = Delivery(trial, name.replace("_", "-"), [plain(trial, name)])
    _ = (await delivery.prepare()).ok
    receipts: list[bytes] = []
    async with delivery.writer() as writing:
        for first in (1, 11):
            await writing.send(records([(n, f"row {n}") for n in range(first, first + 10)]))
            receipts.append(await writing.commit())
            if between is not None:
                await between()
        await writing.finish()
    _ = (await delivery.complete(receipts)).ok
    return _counted(await delivery.visible()), delivery


def _counted(rows: list[Row]) -> Counter[Row]:
    return Counter(rows)


@check(
    "check.watch-agrees",
    asserts="WatchCheck of the valid configuration tells of the same probes as Check, in the same order, each once and "
    "with the same outcome; what it announces is the probe that ends next.",
    why="Whoever watches the probes must not see another outcome than whoever waits for them.",
    fix="Let both run the same probes: send each when it has ended, or leave WatchCheck out.",
)
async def watch_agrees(trial: Trial) -> None:
    whole = await try_valid(trial)
    if whole.failure is not None or not probes_of(whole):
        skip("Check of the valid configuration fails, or runs no probe; see check.valid-passes")
    watched = await (await trial.peer()).watch_check(trial.case.config_json, trial.case.patience.call_seconds)
    failure = watched.failure
    if failure is not None and failure.code is grpc.StatusCode.UNIMPLEMENTED:
        skip("the connector does not declare WatchCheck: it answers UNIMPLEMENTED, and is asked with Check")
    expect(failure is None, f"WatchCheck of the valid configuration fails with {failure}, and Check does not")
    announced = ""
    for step in watched.responses:
        expect(step.WhichOneof("step"), "a message of WatchCheck says nothing: neither `begun` nor `ended` is set")
        name = step.ended.probe or step.begun
        expect(not announced or name == announced, f"WatchCheck goes on with {name!r} before {announced!r} has ended")
        announced = step.begun
    expect(not announced, f"WatchCheck announces the probe {announced!r}, which never ends")
    told = [step.ended for step in watched.responses if step.HasField("ended")]
    checked = [result for response in whole.responses for result in response.results]
    seen, wanted = ([(each.probe, each.status.code) for each in results] for results in (told, checked))
    expect(seen == wanted, f"WatchCheck tells of {_named(seen)}, and Check of {_named(wanted)}")


def _named(probes: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} (code {code})" if code else name for name, code in probes) or "no probe"


@check(
    "check.deadline",
    asserts="A Check whose deadline strikes ends at once with DEADLINE_EXCEEDED and lets go of everything: health is "
    "answered, and the next Check passes as before.",
    why="A form does not wait for a firewall that swallows packets, and users press the button again.",
    fix="Give each attempt to reach the remote system the time that is left of the call, and free what it held when "
    "the call is cancelled.",
)
async def deadline(trial: Trial) -> None:
    usual = await try_valid(trial)
    if usual.failure is not None:
        skip("Check of the valid configuration fails in any case; see check.valid-passes")
    unreachable = [invalid for invalid in trial.case.invalid if invalid.kind == "unreachable"]
    configs = [trial.case.config_json, *(spoilt_json(trial, invalid) for invalid in unreachable)]
    allowed = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
    async with trial.fresh() as instance:
        peer = instance.peer
        for seconds in _SOON:
            for answer in await asyncio.gather(*(peer.check(config, seconds) for config in configs)):
                failure = answer.failure
                expect(
                    failure is None or failure.code in allowed,
                    f"with a deadline of {seconds * 1000:g} ms, Check fails with {failure}; it should be "
                    "DEADLINE_EXCEEDED",
                )
                expect(answer.seconds < seconds + 5, f"with that deadline, Check took {answer.seconds:.1f} s")
        health = await peer.health()
        expect(health.failure is None, f"after Checks whose deadline has struck, health fails: {health.failure}")
        process = instance.process
        expect(process is None or process.alive, "the connector ended after Checks whose deadline has struck")
        later = await peer.check(trial.case.config_json, trial.case.patience.call_seconds)
        expect(
            later.failure is None,
            f"after Checks whose deadline has struck, the next one, with time enough, fails: {later.failure}",
        )
        differing = probes_of(later) != probes_of(usual)
        expect(not differing, f"after that, Check runs the probes {probes_of(later)} instead of {probes_of(usual)}")
