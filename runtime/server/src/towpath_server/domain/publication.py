"""What a job publishes, and how it ends. Decided once by BeginPublish; everything here is pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from towpath_sdk.errors import Kind

from towpath_server.domain.failure import Failure, cancelled_by_user
from towpath_server.domain.job import JobKind, JobState, JobStream, StreamState
from towpath_server.domain.streams import ReadMode

__all__ = ["Decision", "Outcome", "decide", "end_published", "end_unpublished"]


@dataclass(frozen=True)
class Decision:
    """Indexes of the streams whose receipts are published, and of those whose older generations then go away."""

    published: frozenset[int]
    completed: frozenset[int]


@dataclass(frozen=True)
class Outcome:
    """How a job ends: its state and failure, and each stream's by index."""

    state: JobState
    failure: Failure | None
    streams: dict[int, tuple[StreamState, Failure | None]]


def decide(kind: JobKind, streams: Sequence[JobStream]) -> Decision:
    """Decide what `streams` deliver.

    A transferred stream is delivered. One that broke off is delivered up to its last commit when it reads incrementally
    and replaces nothing; a snapshot, or a generation that is to replace an older one, is delivered whole or not at all:
    readers would otherwise see a part of it, or see it beside the generation that it replaces.
    """
    if kind is JobKind.CLEAR:
        return Decision(frozenset(), frozenset(stream.index for stream in streams))
    completed = frozenset(stream.index for stream in streams if stream.state is StreamState.TRANSFERRED)
    partial = frozenset(
        stream.index
        for stream in streams
        if stream.commit_seq > 0
        and stream.selection.read_mode is not ReadMode.SNAPSHOT
        and stream.minimum_generation == 0
    )
    return Decision(completed | partial, completed)


def end_published(
    streams: Sequence[JobStream], decision: Decision, failure: Failure | None, *, cancel_requested: bool
) -> Outcome:
    """Return how a job ends whose decision was published; `failure` is why the transfer stopped early, if it did."""
    cancelled = cancel_requested or (failure is not None and failure.kind is Kind.CANCELLED)
    ends: dict[int, tuple[StreamState, Failure | None]] = {}
    for stream in streams:
        if stream.index in decision.completed:
            ends[stream.index] = (StreamState.SUCCEEDED, None)
        else:
            ends[stream.index] = _unfinished(stream, failure, cancelled=cancelled)
    if all(state is StreamState.SUCCEEDED for state, _ in ends.values()):
        return Outcome(JobState.SUCCEEDED, None, ends)
    if cancelled:
        return Outcome(JobState.CANCELLED, cancelled_by_user(), ends)
    return Outcome(JobState.FAILED, failure or _summary(streams, ends), ends)


def end_unpublished(streams: Sequence[JobStream], failure: Failure) -> Outcome:
    """Return how a job ends of which nothing was published because of `failure`."""
    cancelled = failure.kind is Kind.CANCELLED
    ends = {stream.index: _unfinished(stream, failure, cancelled=cancelled) for stream in streams}
    return Outcome(JobState.CANCELLED if cancelled else JobState.FAILED, failure, ends)


def _unfinished(stream: JobStream, failure: Failure | None, *, cancelled: bool) -> tuple[StreamState, Failure | None]:
    if stream.state is StreamState.FAILED:
        return StreamState.FAILED, stream.failure
    if cancelled or stream.state is StreamState.CANCELLED:
        return StreamState.CANCELLED, None
    return StreamState.FAILED, stream.failure or failure


def _summary(streams: Sequence[JobStream], ends: dict[int, tuple[StreamState, Failure | None]]) -> Failure | None:
    failed = [
        (stream, failure)
        for stream in streams
        for state, failure in [ends[stream.index]]
        if state is not StreamState.SUCCEEDED and failure is not None
    ]
    if not failed:
        return None
    stream, first = failed[0]
    message = f"stream {stream.selection.name}: {first.message}"
    if len(streams) > 1:
        message = f"{len(failed)} of {len(streams)} streams failed; {message}"
    return Failure(kind=first.kind, reason=first.reason, message=message, owner=first.owner, origin=first.origin)
