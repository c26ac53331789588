"""Which generation a job writes, and which older ones go away when it completes.

A generation is one load of a stream from its start. Rows of several generations stand side by side only while a newer
one is being written; a minimum above zero says that completing this job removes what is older.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from towpath_server.domain.connection import StreamPosition
from towpath_server.domain.job import JobKind, JobStream
from towpath_server.domain.streams import ReadMode, StreamSelection, WriteMode

__all__ = ["Start", "advanced", "cleared", "reset", "start_of"]


@dataclass(frozen=True)
class Start:
    """What a stream of a job begins with."""

    state: bytes
    state_version: int
    generation: int
    minimum_generation: int
    ipc_schema: bytes


def start_of(kind: JobKind, selection: StreamSelection, position: StreamPosition | None) -> Start:
    """Return what a stream begins with in a new job; `position` is None before its first run.

    - a refresh, a clear and every snapshot that overwrites begin the next generation and replace the older ones;
    - a snapshot that appends, and every incremental read, go on in the present generation, unless a reset is pending.

    A refresh has no schema to be compared with: it is how a user takes a changed one over.
    """
    if position is None:
        replaces = selection.read_mode is ReadMode.SNAPSHOT and selection.write_mode is WriteMode.OVERWRITE
        return Start(b"", 0, 1, 1 if replaces or kind is JobKind.CLEAR else 0, b"")
    pending = position.minimum_generation > 0
    generation = position.generation if pending else position.generation + 1
    afresh = Start(b"", 0, generation, generation, position.ipc_schema)
    if kind is not JobKind.SYNC:
        return replace(afresh, ipc_schema=b"")
    if selection.read_mode is ReadMode.SNAPSHOT:
        if selection.write_mode is WriteMode.OVERWRITE or pending:
            return afresh
        return Start(b"", 0, position.generation, 0, position.ipc_schema)
    return Start(
        position.state, position.state_version, position.generation, position.minimum_generation, position.ipc_schema
    )


def reset(position: StreamPosition, now: datetime) -> StreamPosition:
    """Return the position without state; its next run writes a new generation that replaces the present one.

    The schema goes with the state: what replaces everything may have another form.
    """
    position = replace(position, ipc_schema=b"")
    if position.minimum_generation > 0 and not position.state:
        return replace(position, update_time=now)
    generation = position.generation + 1
    return replace(
        position, state=b"", state_version=0, generation=generation, minimum_generation=generation, update_time=now
    )


def cleared(stream: JobStream, *, done: bool, now: datetime) -> StreamPosition:
    """Return the position of a stream that is being cleared, or was when `done`.

    The state goes before the data do, so that a clear that breaks off half-way is followed by a full read.
    """
    return StreamPosition(
        name=stream.selection.name,
        state=b"",
        state_version=0,
        generation=stream.generation,
        minimum_generation=0 if done else stream.generation,
        ipc_schema=b"",
        update_time=now,
    )


def advanced(stream: JobStream, *, completed: bool, now: datetime) -> StreamPosition:
    """Return the position after the commits of `stream` were published; `completed` when it was read to its end."""
    keeps_state = stream.selection.read_mode is not ReadMode.SNAPSHOT
    committed = stream.commit_seq > 0
    state = stream.committed_state if committed else stream.base_state
    version = stream.committed_state_version if committed else stream.base_state_version
    return StreamPosition(
        name=stream.selection.name,
        state=state if keeps_state else b"",
        state_version=version if keeps_state else 0,
        generation=stream.generation,
        minimum_generation=0 if completed else stream.minimum_generation,
        ipc_schema=stream.ipc_schema or stream.base_ipc_schema,
        update_time=now,
    )
