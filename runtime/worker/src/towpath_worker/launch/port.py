"""The port of launchers: whatever starts connectors gives the broker an address, a token and a way to see it end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

__all__ = ["Ending", "Launch", "Launcher", "Limits", "OnLine", "OnSpans", "Running"]

OnLine: TypeAlias = Callable[[str], None]
"""Takes one line that the connector printed: decoded, without its end, at most 16 KiB. Called on the event loop."""


OnSpans: TypeAlias = Callable[[bytes], None]
"""Takes spans that the connector sent: an ExportTraceServiceRequest of OTLP. Raises ValueError for anything else."""


@dataclass(frozen=True)
class Limits:
    """What one container may use; zero means the worker's default. Memory and files of /tmp in bytes, CPU in 1/1000."""

    memory_bytes: int = 0
    cpu_millis: int = 0
    max_processes: int = 0
    temporary_bytes: int = 0


_UNSAID = Limits()


@dataclass(frozen=True)
class Launch:
    """A connector to start: by `command`, which is never a shell line, or from `image`.

    `name` is for people, such as "source connectors/pg". `job` is the resource name of what it works for, for labels;
    `limits` hold where connectors can be limited. Without `on_spans` it is not told to send any.
    """

    name: str
    command: Sequence[str]
    on_line: OnLine
    image: str = ""
    job: str = ""
    limits: Limits = _UNSAID
    on_spans: OnSpans | None = None


@dataclass(frozen=True)
class Ending:
    """How a connector ended: its exit code, or minus the number of the signal that killed it, and its last lines."""

    code: int
    last_lines: Sequence[str] = ()
    cause: str = ""
    """What is known beyond the code, as words after the connector's name; replaces what the code says."""
    reason: str = ""
    """Reason of the failure that this is, where it has one of its own."""

    def __str__(self) -> str:
        """Say it in words: "was killed by SIGKILL", "ended with exit code 3"."""
        if self.cause:
            return self.cause
        if self.code >= 0:
            return f"ended with exit code {self.code}"
        try:
            name = signal.Signals(-self.code).name
        except ValueError:
            name = f"signal {-self.code}"
        return f"was killed by {name}" + (" (was memory short?)" if name == "SIGKILL" else "")

    @property
    def last_words(self) -> str:
        """Its last lines as the tail of a message; empty when it printed nothing."""
        return "; its last lines:\n" + "\n".join(self.last_lines) if self.last_lines else "; it printed nothing"


class Running(Protocol):
    """A connector that answers health checks."""

    @property
    def pid(self) -> int:
        """Process id on this machine, for people, measurements and fault tests."""
        ...

    @property
    def name(self) -> str:
        """For people, as in the launch."""
        ...

    @property
    def address(self) -> str:
        """GRPC target such as `unix:/run/dir/s`."""
        ...

    @property
    def token(self) -> str:
        """Bearer token of every call but health."""
        ...

    @property
    def certificate(self) -> bytes | None:
        """PEM certificate that it proves itself with; None for a socket of this machine, which takes no TLS."""
        ...

    async def ended(self) -> Ending:
        """Wait until the connector has ended, by itself or by somebody's hand. May be awaited by many."""
        ...


class Launcher(Protocol):
    """Starts connectors."""

    def launch(self, launch: Launch) -> AbstractAsyncContextManager[Running]:
        """Start a connector; entering waits until it is ready, leaving stops it and removes every trace.

        Entering raises Misconfigured (there is no such command, or it ended by itself before it was ready), or
        Unavailable (it was killed, or did not become ready in time), each with the connector's last lines.
        """
        ...
