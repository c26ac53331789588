"""The three pipes between the worker and a connector, and what is started with them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Protocol

__all__ = ["Child", "Pipes", "spawn"]


class Child(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int:
        """Its id, and that of its session."""
        ...

    async def wait(self) -> int:
        """Wait until it has ended; its exit code, or minus the number of the signal that killed it."""
        ...


class Pipes:
    """Standard input, output and error of one connector: our ends of them, and its own."""

    def __init__(self) -> None:
        """Raises OSError when there are as many descriptors as may be."""
        self._open: set[int] = set()
        try:
            stdin, self._stdin = self._pipe()
            self._stdout, stdout = self._pipe()
            self._stderr, stderr = self._pipe()
        except OSError:
            self.close()
            raise
        self.theirs = (stdin, stdout, stderr)
        """What the process is given."""

    @asynccontextmanager
    async def printed(self) -> AsyncGenerator[Sequence[asyncio.StreamReader]]:
        """Standard output and error, to be read once."""
        loop, transports = asyncio.get_running_loop(), list[asyncio.ReadTransport]()
        readers = (asyncio.StreamReader(), asyncio.StreamReader())
        try:
            for end, reader in zip((self._stdout, self._stderr), readers, strict=True):
                self._open.discard(end)
                pipe = os.fdopen(end, "rb", 0)
                transport, _ = await loop.connect_read_pipe(partial(asyncio.StreamReaderProtocol, reader), pipe)
                transports.append(transport)
            yield readers
        finally:
            for transport in transports:
                transport.close()

    def let_go(self) -> None:
        """Close the ends that the process has by now, so that their other ends come to an end with it."""
        self._close(*self.theirs)

    def close(self) -> None:
        """Close all: a connector whose standard input ends follows."""
        self._close(*self._open)

    def _pipe(self) -> tuple[int, int]:
        ends = os.pipe()
        self._open.update(ends)
        return ends

    def _close(self, *ends: int) -> None:
        for end in ends:
            if end in self._open:
                self._open.remove(end)
                with suppress(OSError):
                    os.close(end)


async def spawn(command: Sequence[str], environ: Mapping[str, str], pipes: Pipes, *inherited: int) -> Child:
    """Start a program as the leader of its own session; it keeps the descriptors `inherited`. Raises OSError."""
    stdin, stdout, stderr = pipes.theirs
    return await asyncio.create_subprocess_exec(
        *command,
        env=environ,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=inherited,
        start_new_session=True,
    )
