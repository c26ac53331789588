"""A destination that has transferred publishes too, in the same process; whoever finds none launches it anew."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, cast

import pytest
from towpath.runtime.v1 import worker_pb2
from towpath_worker.connectors import Parking, together
from towpath_worker.connectors import parking as parking_module
from worker_flow import numbers, stream
from worker_rig import RigWorker, WorkerRig, until

if TYPE_CHECKING:
    from towpath_worker.connectors import Connector

LAUNCH = worker_pb2.ConnectorLaunch(connector="connectors/lake", config_json='{"bucket": "a"}')


class Destination:
    """As much of a connector as parking touches; counts how often it was stopped."""

    def __init__(self) -> None:
        self.stopped = 0
        self.log: object = "the log of the transfer"

    def log_to(self, log: object) -> None:
        """Remember which log it was given."""
        self.log = log

    def running(self) -> AsyncExitStack:
        """What stops it."""

        async def stop() -> None:
            self.stopped += 1

        stack = AsyncExitStack()
        stack.push_async_callback(stop)
        return stack


def park(place: Parking, destination: Destination) -> None:
    place.park("jobs/1", LAUNCH, cast("Connector", destination), destination.running())


def test_job_starts_its_destination_once(rig: WorkerRig, worker: RigWorker) -> None:
    """Half a second and half a CPU second of every job went into a second start."""
    flow = rig.connect(stream(write="OVERWRITE"), source={"rows": 100})
    job = flow.succeed()
    assert flow.rows() == numbers(100)
    starts = [line for line in flow.logs(job) if line.origin == "destination" and line.message == "listening"]
    assert len(starts) == 1, flow.log_text(job)
    until(lambda: worker.connectors() == [], "every connector has ended")


async def test_parked_destination_is_taken_once() -> None:
    """Two publications with one process between them would stop it under each other."""
    place, destination = Parking(), Destination()
    park(place, destination)
    assert destination.log is None
    taken = await place.take("jobs/1", LAUNCH)
    assert taken is not None
    assert await place.take("jobs/1", LAUNCH) is None
    assert destination.stopped == 0
    await taken[1].aclose()
    assert destination.stopped == 1


async def test_destination_with_another_configuration_is_not_taken() -> None:
    """Somebody changed the destination meanwhile: what is published must go where it says now."""
    place, destination = Parking(), Destination()
    park(place, destination)
    changed = worker_pb2.ConnectorLaunch(connector="connectors/lake", config_json='{"bucket": "b"}')
    assert await place.take("jobs/1", changed) is None
    assert destination.stopped == 1


async def test_destination_that_nobody_takes_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The publication may run on another worker; this one must not collect processes."""
    monkeypatch.setattr(parking_module, "_SECONDS", 0.05)
    place, destination = Parking(), Destination()
    park(place, destination)
    await asyncio.sleep(0.5)
    assert destination.stopped == 1
    assert await place.take("jobs/1", LAUNCH) is None


async def test_worker_that_stops_leaves_no_parked_destination() -> None:
    """A process without a worker would hold its socket and its memory for ever."""
    place, destination = Parking(), Destination()
    park(place, destination)
    await place.close()
    assert destination.stopped == 1


async def test_two_that_start_together_end_together_when_one_cannot_start() -> None:
    """Otherwise a destination would be left behind whenever a source does not start."""
    left: list[str] = []

    async def push(stack: AsyncExitStack, name: str) -> AsyncExitStack:
        async def leave() -> None:
            left.append(name)

        stack.push_async_callback(leave)
        return stack

    class Fails(AsyncExitStack):
        async def __aenter__(self) -> AsyncExitStack:
            await asyncio.sleep(0.05)
            raise ValueError("cannot start")

    healthy = await push(AsyncExitStack(), "destination")
    with pytest.raises(ValueError, match="cannot start"):
        async with together(Fails(), healthy):
            pytest.fail("one of the two did not start")
    assert left == ["destination"]
