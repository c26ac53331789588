# ruff: noqa: ARG002 - the signatures are the SDK's
"""A source that blocks in the ways that real ones do, and notes in a file how each call ended."""

from __future__ import annotations

import queue
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pyarrow as pa
from towpath_sdk import Checkpoint, Config, Context, ReadMode, ReadStream, Record, Source, Stream, serve


class Blocking(Config):
    """Where to block, and for how long at most, in seconds."""

    how: Literal["sleep", "queue", "socket", "hooked socket", "wait", "loop", "never"]
    notes: Path
    seconds: float = 3600.0
    rows: int = 0


class BlockingSource(Source[Blocking]):
    """Yields a row, then blocks; or counts without end."""

    def discover(self, config: Blocking) -> Iterator[Stream]:
        """One stream."""
        yield Stream("things", {"n": pa.int64()}, read_modes=[ReadMode.INCREMENTAL])

    def read(self, config: Blocking, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Yield one row and a checkpoint, block, and note how it ended."""
        yield {"n": 0}
        yield Checkpoint({"n": 0})
        note(config, "began")
        try:
            if config.how == "never":
                yield from count(config)
            else:
                block(config, context)
        except BaseException as error:
            note(config, type(error).__name__)
            raise
        else:
            note(config, "returned")
        finally:
            note(config, "cleaned up")


def count(config: Blocking) -> Iterator[Record]:
    """Yield numbers without end, a checkpoint after every tenth."""
    n = 0
    while True:
        n += 1
        yield {"n": n}
        if n % 10 == 0:
            yield Checkpoint({"n": n})
            time.sleep(0.001)


def block(config: Blocking, context: Context) -> None:
    """Block."""
    if config.how == "sleep":
        time.sleep(config.seconds)
    elif config.how == "queue":
        queue.Queue[int]().get(timeout=config.seconds)
    elif config.how == "wait":
        context.wait(config.seconds)
    elif config.how == "loop":
        end = time.monotonic() + config.seconds
        while time.monotonic() < end:
            time.sleep(0.001)
    else:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(config.seconds)
            if config.how == "hooked socket":
                with context.on_cancel(lambda: theirs.shutdown(socket.SHUT_RDWR)):
                    if not ours.recv(1):
                        raise ConnectionResetError("the socket was shut down")
            else:
                ours.recv(1)


def note(config: Blocking, word: str) -> None:
    """Append a line to the notes."""
    with config.notes.open("a") as notes:
        notes.write(word + "\n")


if __name__ == "__main__":
    serve(BlockingSource())
