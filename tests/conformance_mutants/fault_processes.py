"""Connectors that do not let go, do not end as they should, or do not survive their own death."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from towpath_destination_local import LocalDestination
from towpath_destination_local.config import LocalConfig
from towpath_sdk import Checkpoint, Conflict, Context, Destination, OpenWrite, ReadStream, Record, Source, serve
from towpath_source_faker import FakerConfig, FakerSource

from conformance_mutants.mutant import Role, mutant
from conformance_mutants.proxy import Begin, Ending
from conformance_mutants.write_relays import OnWrite, during_writes
from conformance_mutants.write_storage import Wrapped

__all__ = [
    "DeafDestination",
    "DeafSource",
    "LeavesALock",
    "RemembersStates",
    "serve_as_an_orphan",
    "serve_without_draining",
]

_GHOST_SECONDS = 5.0
"""More than the check allows on a busy machine, less than anybody's patience."""
_DEAF_SECONDS = 3600.0


class _Haunted(OnWrite):
    """A Write whose writer stays taken for some seconds when it is cancelled."""

    def __init__(self, ghosts: set[tuple[str, str]]) -> None:
        self._ghosts = ghosts

    async def request(self, raw: bytes) -> Iterable[bytes]:
        begun = self.opening is not None
        passed = await super().request(raw)
        if not begun and self.opening is not None:
            if self.writer in self._ghosts:
                await asyncio.sleep(_GHOST_SECONDS)
            self._ghosts.add(self.writer)
        return passed

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        self._ghosts.discard(self.writer)
        return (), ending


def _haunted() -> Begin:
    ghosts: set[tuple[str, str]] = set()
    return during_writes(lambda: _Haunted(ghosts))


class _Deaf:
    """A context that does not say that the call was cancelled."""

    cancelled = False

    def __init__(self, context: Context) -> None:
        self._context = context

    def wait(self, seconds: float) -> None:
        """Wait where no exception reaches the thread, much longer than it should."""
        time.sleep(max(seconds, _DEAF_SECONDS))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


class DeafSource(FakerSource):
    """Waits for the remote system without end."""

    def read(self, config: FakerConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Read, and hear of no cancellation."""
        deaf: Any = _Deaf(context)
        return super().read(config, stream, deaf)


class DeafDestination(LocalDestination):
    """Waits for a lock without end."""

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
        """Open, and hear of no cancellation."""
        deaf: Any = _Deaf(context)
        return super().open(config, write, deaf)


class RemembersStates(FakerSource):
    """Hands out names of states, and keeps the states in memory: a name that it does not know begins anew."""

    def __init__(self) -> None:
        self._states: dict[str, Any] = {}

    def read(self, config: FakerConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Continue from what is remembered."""
        if stream.state is not None:
            stream = replace(stream, state=self._remembered(stream.state))
        for record in super().read(config, stream, context):
            if isinstance(record, Checkpoint):
                name = secrets.token_hex(8)
                self._states[name] = record.state
                yield replace(record, state={"name": name})
            else:
                yield record

    def acknowledge(self, config: FakerConfig, stream: ReadStream, checkpoint: Checkpoint) -> None:
        """Acknowledge what was named."""
        super().acknowledge(config, stream, replace(checkpoint, state=self._remembered(checkpoint.state)))

    def _remembered(self, state: Any) -> Any:
        return self._states.get(state.get("name", ""))


class LeavesALock(LocalDestination):
    """Locks each writer by a file that nobody removes when the process dies."""

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
        """Open a writer that nobody else has open."""
        writer = super().open(config, write, context)
        lock = Path(config.path, f"_{write.write_id}-{write.writer_id}.lock")
        if lock.exists() and lock.read_text() != str(os.getpid()):
            raise Conflict("another process writes this", reason="LOCKED")
        lock.write_text(str(os.getpid()))

        class _Locked(Wrapped):
            def close(self) -> None:
                lock.unlink(missing_ok=True)
                super().close()

        return _Locked(writer, write)


def serve_without_draining(part: Source[Any] | Destination[Any]) -> None:
    """Serve, and cancel all calls at SIGTERM."""
    os.environ["TOWPATH_DRAIN_SECONDS"] = "0.001"
    serve(part, argv=[])


def serve_as_an_orphan(part: Source[Any] | Destination[Any]) -> None:
    """Serve, whether or not anybody is there who started it."""
    os.environ.pop("TOWPATH_EXIT_WITH_PARENT", None)
    serve(part, argv=[])


mutant("fault.cancel-prompt", "destination", "keeps a writer taken", begins=_haunted)

_PROCESSES: tuple[tuple[str, Role, str, str], ...] = (
    ("cancel-frees", "source", "keeps what it has until the connection ends", "keeps-until-the-end"),
    ("cancel-blocked-read", "source", "waits for the remote system without end", "deaf-source"),
    ("cancel-blocked-write", "destination", "waits for a lock without end", "deaf-destination"),
    ("client-gone", "source", "does not hear of lost connections", "behind-a-front"),
    ("sigterm-drains", "source", "cancels reads at SIGTERM", "source-without-draining"),
    ("sigterm-commits", "destination", "cancels writes at SIGTERM", "destination-without-draining"),
    ("parent-dies", "source", "lives on without its parent", "orphan"),
    ("read-killed-anywhere", "source", "keeps states in memory", "remembers-states"),
    ("write-killed-anywhere", "destination", "leaves a lock behind", "leaves-a-lock"),
)
for _check, _role, _name, _command in _PROCESSES:
    mutant(
        f"fault.{_check}",
        _role,
        _name,
        command=_command,
        case={"patience.kills": 1, "patience.bit_flips": 4},
        within=("fault",),
    )
