"""Calls that are kept going, for checks that cancel them, cut their connection, or measure beside them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from towpath.connector.v1 import source_pb2

from towpath_conformance.case import StreamCase
from towpath_conformance.offences import material, opened_read
from towpath_conformance.peer import Call, Peer
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import fail
from towpath_conformance.writing import Writing

__all__ = ["blocked_writes", "busy", "large_opening", "open_reads", "opening_with"]


def large_opening(trial: Trial) -> source_pb2.ReadOpen:
    """The open of the case file's large stream; of the first one, where no large one is given."""
    source = trial.source
    if source.large is None:
        return opening_with(trial, source.streams[0])
    return opening_with(trial, source.large, trial.case.config_with(source.large_set))


def opening_with(trial: Trial, stream: StreamCase, config_json: str = "") -> source_pb2.ReadOpen:
    """The open of a stream, under another configuration where one is given."""
    return source_pb2.ReadOpen(config_json=config_json or trial.case.config_json, streams=[stream.wire()], attempt=1)


@asynccontextmanager
async def open_reads(
    trial: Trial, peer: Peer, count: int, opening: source_pb2.ReadOpen | None = None
) -> AsyncGenerator[list[Call]]:
    """Open Reads, by default of the large stream, and read nothing of them; leaving cancels them."""
    async with AsyncExitStack() as stack:
        calls = [await stack.enter_async_context(peer.read()) for _ in range(count)]
        for call in calls:
            await opened_read(trial, call, opening or large_opening(trial))
        yield calls


@asynccontextmanager
async def busy(trial: Trial, peer: Peer, count: int, name: str) -> AsyncGenerator[list[Call]]:
    """Open Reads that nobody reads and Writes that nobody commits, `count` of each that the connector serves.

    Leaving cancels them.
    """
    async with AsyncExitStack() as stack:
        calls: list[Call] = []
        if trial.is_source:
            calls += await stack.enter_async_context(open_reads(trial, peer, count))
        if trial.is_destination:
            for number in range(count):
                valid = await material(trial, f"{name}-{number}")
                call = await stack.enter_async_context(peer.write())
                if not await Writing(call, valid.delivery.opening(), trial.case.patience.call_seconds).open():
                    fail(f"a Write was refused: {call.failure or 'it ended without WriteOpened'}")
                await call.send(valid.schema)
                for batch_seq in (1, 2):
                    await call.send(valid.request(batch_seq))
                calls.append(call)
        yield calls


@asynccontextmanager
async def blocked_writes(trial: Trial, peer: Peer, count: int, name: str) -> AsyncGenerator[list[Call]]:
    """Begin Writes under the configuration that blocks them, with a batch and a commit each; leaving cancels them."""
    config_json = trial.case.config_with(trial.destination.blocked_set or {})
    async with AsyncExitStack() as stack:
        calls: list[Call] = []
        for number in range(count):
            valid = await material(trial, f"{name}-{number}", config_json=config_json, prepared=False)
            call = await stack.enter_async_context(peer.write())
            for message in (valid.open(1), valid.schema, valid.request(1), valid.commit):
                await call.send(message)
            calls.append(call)
        yield calls
