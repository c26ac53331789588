"""The port of targets: a way to start a connector, and what can be seen of one that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from towpath_conformance.peer import Peer

__all__ = ["Instance", "Process", "StartFailed", "Target"]


class StartFailed(Exception):
    """The connector could not be started, or was not ready in time; the message holds what it printed."""


class Process(Protocol):
    """The operating system's view of a connector. Sizes are in bytes, times in seconds."""

    @property
    def alive(self) -> bool:
        """It has not ended."""
        ...

    @property
    def folder(self) -> Path | None:
        """Its private folder for temporary files (TMPDIR); None where the judge cannot look inside."""
        ...

    def output(self) -> str:
        """Everything that it has printed, standard output and standard error together."""
        ...

    def kill(self) -> None:
        """End it as `kill -9` does, children included."""
        ...

    def terminate(self) -> None:
        """Send SIGTERM; returns at once."""
        ...

    def forget(self) -> bool:
        """Close its standard input, as the death of whoever started it does; False where the judge does not hold it."""
        ...

    async def wait(self, timeout: float) -> int | None:  # noqa: ASYNC109 a bound, not a deadline to pass on
        """Wait for its end; the exit code, minus the signal's number if one killed it, None if it lives on."""
        ...

    def resident_bytes(self) -> int:
        """Memory that it holds now, its children's included."""
        ...

    def cpu_seconds(self) -> float:
        """User and system time that it has used, its children's included."""
        ...

    def threads(self) -> int:
        """Threads that it has now."""
        ...

    def descriptors(self) -> int:
        """File descriptors that it has open now."""
        ...


@dataclass
class Instance:
    """A connector that answers. `process` is None where only its address is known."""

    address: str
    token: str | None
    peer: Peer
    process: Process | None = None

    def other_peer(
        self,
        *,
        token: str | None = "",
        options: Sequence[tuple[str, object]] = (),
    ) -> Peer:
        """Open one more channel, with another token when one is given, and with none when it is None."""
        return Peer(self.address, self.token if token == "" else token, options=options)


class Target(Protocol):
    """Something to judge."""

    @property
    def can_start(self) -> bool:
        """Instances can be started, killed and looked into."""
        ...

    @property
    def name(self) -> str:
        """For people and for the command that repeats a check, such as `--command 'python my.py'`."""
        ...

    def start(
        self, ready_seconds: float, *, environ: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Instance]:
        """Start an instance of its own and wait until its health is SERVING; leaving ends it.

        Raises StartFailed. Where nothing can be started, connects to what is there.
        """
        ...
