"""Acknowledgements: the source never waits for one to go on, and hears the last one."""

from __future__ import annotations

from towpath_conformance.peer import TooSlow
from towpath_conformance.readings import unacknowledged
from towpath_conformance.registry import ACKS, SOURCE, check
from towpath_conformance.stepping import stepping
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail, skip


@check(
    "state.wants-acks",
    needs=[SOURCE],
    asserts="ReadOpened sets wants_acks only where the source declares needs_acks.",
    why="The platform decides by the declaration whether a slow destination costs the remote system disk space.",
    fix="Declare SourceCapabilities.needs_acks when any stream holds something upstream.",
)
async def wants_acks(trial: Trial) -> None:
    for reading in await trial.readings():
        expect(
            not reading.wants_acks or ACKS.declared(trial.spec),
            f"the Read of {reading.name} wants acknowledgements, and the source does not declare needs_acks",
        )


@check(
    "state.emits-without-acks",
    needs=[SOURCE],
    asserts="A Read goes on to ReadFinished without a single acknowledgement.",
    why="The platform acknowledges when the destination has committed, which may take as long as the whole read.",
    fix="Send what there is to send as flow control allows; let acknowledgements only decide what may be forgotten.",
)
async def emits_without_acks(trial: Trial) -> None:
    for stream in trial.source.streams:
        reading = await unacknowledged(trial, stream)
        expect(
            reading.ended or "finished" in reading.kinds,
            f"the Read of {stream} came to a halt after {len(reading.received)} messages: nothing was acknowledged",
        )


@check(
    "state.half-close-without-acks",
    needs=[SOURCE],
    asserts="A broker that half-closes after ReadFinished without having acknowledged anything gets OK.",
    why="It is how a broker ends when nothing could be committed; it must be able to tell this from a failure.",
    fix="End the call when the requests end, whatever was acknowledged, and keep what was not.",
)
async def half_close_without_acks(trial: Trial) -> None:
    for stream in trial.source.streams:
        reading = await unacknowledged(trial, stream)
        if "finished" not in reading.kinds:
            continue  # read.completes and state.emits-without-acks say so
        expect(reading.ended, f"the Read of {stream} does not end after a half-close without acknowledgements")
        expect(
            reading.failure is None,
            f"the Read of {stream} fails after a half-close without acknowledgements: {reading.failure}",
        )


@check(
    "state.final-ack",
    needs=[SOURCE],
    asserts="Acknowledging the last checkpoint alone, after ReadFinished, and then half-closing ends the Read with OK.",
    why="Acknowledgements are cumulative: a broker that commits once acknowledges once.",
    fix="Take an acknowledgement as that of all checkpoints up to its number.",
)
async def final_ack(trial: Trial) -> None:
    for stream in trial.source.streams:
        async with stepping(trial, stream) as read:
            if not await read.until("finished"):
                continue
            if read.last:
                await read.acknowledge(read.last)
            await read.half_close()
            failure = await read.ending(f"{stream} was acknowledged")
            expect(failure is None, f"the Read of {stream} fails after its last checkpoint was acknowledged: {failure}")


@check(
    "state.waits-for-last-ack",
    needs=[SOURCE, ACKS],
    asserts="A source that wants acknowledgements keeps the call open after ReadFinished until the last checkpoint is "
    "acknowledged, and ends it then.",
    why="The last acknowledgement comes after the last commit; nobody would hear it if the call had ended.",
    fix="After ReadFinished wait for the acknowledgement of the last checkpoint, or for the half-close.",
)
async def waits_for_last_ack(trial: Trial) -> None:
    for stream in trial.source.streams[-1:]:
        async with stepping(trial, stream) as read:
            if not await read.until("finished"):
                skip(f"the Read of {stream} does not come to ReadFinished")
            if not read.recording.wants_acks or not read.last:
                skip(f"the Read of {stream} wants no acknowledgements")
            try:
                await read.call.ending(trial.case.patience.blocked_seconds)
            except TooSlow:
                await read.acknowledge(read.last)
                await read.ending(f"the last checkpoint of {stream} was acknowledged")
                return
            fail(f"the Read of {stream} ended before its last checkpoint was acknowledged: {read.call.failure or 'OK'}")
