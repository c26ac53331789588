"""Sources that keep what they should not, leave out what they should not, or let their key be seen."""

from __future__ import annotations

import base64
import os
import queue
import secrets
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
from towpath_sdk import Checkpoint, Context, Probe, ReadStream, Record, Unavailable
from towpath_source_faker import FakerConfig, FakerSource

from conformance_processes.deaf import Deaf

__all__ = [
    "DeafSource",
    "FailsWhenAcknowledged",
    "KeepsAFile",
    "KeepsAFileOpen",
    "KeepsWhatIsEmitted",
    "LeavesOutWhatIsLarge",
    "PrintsItsKey",
    "ReadsAhead",
    "RemembersStates",
]

_LARGE_BYTES = 64 * 1024
_AHEAD_BYTES = 300 << 20
_COPIES = 2


class DeafSource(FakerSource):
    """Waits for the remote system without end."""

    def read(self, config: FakerConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Read, and hear of no cancellation."""
        deaf: Any = Deaf(context)
        return super().read(config, stream, deaf)


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


class KeepsWhatIsEmitted(FakerSource):
    """As one would who means to send it again."""

    def read(self, config: FakerConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Keep each batch, and its bytes as they were sent."""
        kept: list[object] = []
        for record in super().read(config, stream, context):
            if isinstance(record, pa.RecordBatch):
                kept += [record.serialize().to_pybytes() for _ in range(_COPIES)]
            kept.append(record)
            yield record


class ReadsAhead(FakerSource):
    """Reads as fast as it can, however slowly it is read; up to a bound for the sake of the machine."""

    _left = _AHEAD_BYTES

    def read(self, config: FakerConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Let another thread read into a queue without end, with the bytes of each batch."""
        records = super().read(config, stream, context)
        ahead: queue.SimpleQueue[tuple[Record | None, bytes]] = queue.SimpleQueue()

        def fill() -> None:
            for record in records:
                raw = record.serialize().to_pybytes() if isinstance(record, pa.RecordBatch) else b""
                ahead.put((record, raw))
                self._left -= len(raw)
                if self._left <= 0:
                    break
            ahead.put((None, b""))

        if self._left > 0:
            threading.Thread(target=fill, daemon=True).start()
            while (record := ahead.get()[0]) is not None:
                yield record
        yield from records


_kept: list[Any] = []


class KeepsAFileOpen(FakerSource):
    """Opens a file for each Check and never closes it."""

    def check(self, config: FakerConfig) -> Iterable[Probe]:
        """Open the file, then try as usual."""
        _kept.append(tempfile.TemporaryFile())  # noqa: SIM115 that is the defect
        return super().check(config)


class LeavesOutWhatIsLarge(FakerSource):
    """Skips the rows that are larger than was agreed on."""

    def read(self, config: FakerConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Leave out batches of such rows."""
        for record in super().read(config, stream, context):
            if not isinstance(record, pa.RecordBatch) or record.nbytes <= _LARGE_BYTES * record.num_rows:
                yield record


class FailsWhenAcknowledged(FakerSource):
    """Cannot read on once a checkpoint of its large stream is acknowledged."""

    def acknowledge(self, config: FakerConfig, stream: ReadStream, checkpoint: Checkpoint) -> None:
        """Fail for `events`."""
        if stream.name.name == "events":
            raise Unavailable("the remote system does not take acknowledgements", reason="NO_ACKS")
        super().acknowledge(config, stream, checkpoint)


class PrintsItsKey(FakerSource):
    """Prints the header that it sends, past everything that masks."""

    def check(self, config: FakerConfig) -> Iterable[Probe]:
        """Print, then try as usual."""
        if config.api_key is not None:
            header = base64.b64encode(f"faker:{config.api_key.get_secret_value()}".encode())
            os.write(2, b"authorization: Basic " + header + b"\n")
        return super().check(config)


class KeepsAFile(FakerSource):
    """Hands its key to a driver in a file, for a moment."""

    def check(self, config: FakerConfig) -> Iterable[Probe]:
        """Write the file, then try as usual."""
        if config.api_key is not None:
            with tempfile.NamedTemporaryFile() as file:
                file.write(config.api_key.get_secret_value().encode())
                file.flush()
                time.sleep(0.3)
        return super().check(config)
