"""Secrecy: what is secret in a configuration shows nowhere, in no spelling."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from towpath.connector.v1 import source_pb2

from towpath_conformance.canaries import SHORTEST, Wanted
from towpath_conformance.checks.write_stream import one_stream
from towpath_conformance.eavesdropping import overheard, refusals, valid_secrets
from towpath_conformance.readings import every_reading
from towpath_conformance.recording import ReadRecording
from towpath_conformance.registry import SPLITS, check
from towpath_conformance.schema import fields_of, parse_schema
from towpath_conformance.trial import Trial
from towpath_conformance.trying import try_invalid
from towpath_conformance.verdicts import Failed, Skipped, expect, skip
from towpath_conformance.writing import WriteRecording


@check(
    "secrecy.output",
    process=True,
    slow=True,
    asserts="No secret shows in what the connector prints, at any level of logging, whether it works with valid "
    "secrets or refuses wrong ones: neither as it is, nor in base64, nor encoded for URLs.",
    why="Output goes to systems for logs that many people read, and that keep it for years.",
    fix="Mask secrets by value in the one place where lines are written, drivers' lines and stack traces included.",
)
async def output(trial: Trial) -> None:
    heard = await overheard(trial)
    for number, line in enumerate(heard.output.splitlines(), start=1):
        found = heard.wanted.found_in(line)
        expect(not found, f"line {number} of what the connector printed shows a secret ({found})")
    found = heard.wanted.found_in(heard.output)
    expect(not found, f"what the connector printed shows a secret ({found}), over several lines")


@check(
    "secrecy.temporary-files",
    process=True,
    slow=True,
    asserts="No secret is in a temporary file (in TMPDIR), nor in the name of one, not even for a moment.",
    why="Temporary files outlive whoever is killed, and end in backups and images of disks.",
    fix="Hand keys and passwords to drivers in memory; where one wants a file, use memfd_create and /proc/self/fd.",
)
async def temporary_files(trial: Trial) -> None:
    heard = await overheard(trial)
    if not heard.looks_into_files:
        skip("the judge cannot look into the temporary files of this target")
    for name, found in heard.in_files.items():
        expect(not found, f"a secret ({found}) was in the temporary file {heard.wanted.masked(name)!r}")


@check(
    "secrecy.statuses",
    asserts="No secret shows in a status: of a call, a probe, a stream or a rejected row, whatever is wrong with the "
    "configuration that brought it.",
    why="Statuses are shown to users, stored with the job, and sent to systems that raise alarms.",
    fix="Never quote the value at fault, name its field; and mask secrets by value in whatever a driver's error says.",
)
async def statuses(trial: Trial) -> None:
    refused = await refusals(trial)
    for call in refused.calls:
        texts = [call.failure.text.encode()] if call.failure is not None else []
        for text in (*texts, *call.statuses):
            found = refused.wanted.found_in(text)
            expect(not found, f"a status of {call.where} shows a secret ({found})")
    valid = valid_secrets(trial)
    for tried in await try_invalid(trial):
        for probe, failure in tried.failures:
            found = valid.found_in(failure.text)
            expect(not found, f"with {tried.invalid.name}, the status of {probe or 'Check'} shows a secret ({found})")


@check(
    "secrecy.states",
    asserts="No secret is in the state of a checkpoint, in the token or id of a split, or in a receipt.",
    why="The platform stores them as they are, and shows them to whoever debugs a sync.",
    fix="Put positions into them, and nothing of the configuration, which comes with each call again.",
)
async def states(trial: Trial) -> None:
    wanted = _wanted(trial)
    async for where, raw in _opaque(trial):
        found = wanted.found_in(raw)
        expect(not found, f"{where} holds a secret ({found})")


@check(
    "secrecy.logs",
    asserts="No secret is in a LogEntry of a Read or Write, neither in its message nor in its attributes.",
    why="LogEntry is redacted by its sender; the platform stores it with the job and shows it to users.",
    fix="Mask secrets by value before you send a LogEntry; log names of fields rather than values.",
)
async def logs(trial: Trial) -> None:
    refused = await refusals(trial)
    for call in refused.calls:
        for raw in call.logs:
            found = refused.wanted.found_in(raw)
            expect(not found, f"a LogEntry of {call.where} shows a secret ({found})")
    valid = valid_secrets(trial)
    async for where, raw in _entries(trial):
        found = valid.found_in(raw)
        expect(not found, f"a LogEntry of {where} shows a secret ({found})")


def _wanted(trial: Trial) -> Wanted:
    """The valid secrets. Skips the check where there are none to be looked for."""
    schema = parse_schema(trial.spec.config_json_schema)
    if not any(field.secret for field in fields_of(schema)):
        skip("the connector's schema does not declare a secret field")
    wanted = valid_secrets(trial)
    if not wanted.secrets:
        skip(
            f"the configuration of the case file has no secret of at least {SHORTEST} characters that is nothing else; "
            "give it one, so that it can be told from other text"
        )
    return wanted


async def _opaque(trial: Trial) -> AsyncIterator[tuple[str, bytes]]:
    """Yield what is opaque to everyone but the connector, with what it is."""
    for reading in await _readings(trial):
        for checkpoint in reading.checkpoints():
            yield f"the state of checkpoint {checkpoint.checkpoint_seq} of {reading.name}", checkpoint.state
    if trial.is_source and SPLITS.declared(trial.spec):
        for stream in trial.source.streams:
            request = source_pb2.PlanReadRequest(
                config_json=trial.case.config_json, streams=[stream.wire()], target_splits=4
            )
            plan = await (await trial.peer()).plan(request, trial.case.patience.call_seconds)
            for split in (split for response in plan.responses for split in response.splits):
                yield f"split {split.split_id!r} of {stream}", split.token
                yield f"the id of a split of {stream}", split.split_id.encode()
    for recording in await _writings(trial):
        for committed in recording.committed():
            yield f"the receipt of commit {committed.commit_seq}", committed.receipt


async def _entries(trial: Trial) -> AsyncIterator[tuple[str, bytes]]:
    for reading in await _readings(trial):
        for item in reading.of_kind("log"):
            yield f"the Read of {reading.name}", item.raw
    for recording in await _writings(trial):
        for answered in recording.of_kind("log"):
            yield f"the Write of {', '.join(stream.name.name for stream in recording.opening.streams)}", answered.raw


async def _readings(trial: Trial) -> Sequence[ReadRecording]:
    """Ordinary reads; none where they do not go well, which the group read judges."""
    try:
        return await every_reading(trial) if trial.is_source else []
    except Failed:
        return []


async def _writings(trial: Trial) -> Sequence[WriteRecording]:
    """An ordinary write; likewise."""
    try:
        return [(await one_stream(trial)).recording] if trial.is_destination else []
    except (Failed, Skipped):
        return []
