"""The broker, in a process of its own: the worker's transfer from source-faker to a destination that discards.

It is the worker's own code, from launching the connectors to the last commit; only the server is stood in for, by one
that says yes. Run as `python -m bench.transfer`: reads the source's configuration from standard input, as JSON, and
writes a `Moved` to standard output.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from towpath.connector.v1 import source_pb2, types_pb2
from towpath.control.v1 import connections_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_sdk.framing import ReadKind, peek
from towpath_worker.connectors import Connector, connected, together
from towpath_worker.failures import Located, Origin
from towpath_worker.launch import ProcessLauncher, RunDir
from towpath_worker.launch.environment import connector_environment
from towpath_worker.memory import keep_memory
from towpath_worker.transfer import Budget, Job, ReadCall, run_attempt

from bench.machine import CpuClock
from bench.moved import Moved

__all__ = ["transfer"]

_IN_FLIGHT_BYTES = 64 << 20
_COMMIT_BYTES = 256 << 20
_COMMIT_SECONDS = 60.0
"""As the worker and the server have them by default."""
_SOURCE = (sys.executable, "-m", "towpath_source_faker")
_DESTINATION = (sys.executable, "-m", "bench.null_destination")


async def transfer(config_json: str) -> Moved:
    """Launch both connectors and move the stream `events`; launching is not measured."""
    with tempfile.TemporaryDirectory(prefix="tp-") as folder:
        run_dir = RunDir.open(Path(folder) / "run")
        try:
            launcher = ProcessLauncher(run_dir, connector_environment(os.environ))
            async with together(
                connected(launcher, _launch("source-faker", _SOURCE, config_json), "source"),
                connected(launcher, _launch("null", _DESTINATION, "{}"), "destination"),
            ) as (source, destination):
                return await _move(source, destination)
        finally:
            run_dir.close()


async def _move(source: Connector, destination: Connector) -> Moved:
    noting, platform = _Noting(source), _Agreeable()
    job = Job(
        source=noting,
        destination=destination,
        platform=platform,
        journal=_Journal(),
        budget=Budget(_IN_FLIGHT_BYTES),
        write_id="bench",
        epoch=1,
        commit_bytes=_COMMIT_BYTES,
        commit_interval=_COMMIT_SECONDS,
    )
    processes = {"source": source.running.pid, "broker": os.getpid(), "destination": destination.running.pid}
    clock, began = CpuClock(processes), time.monotonic()
    await run_attempt(job, [_work()])
    return Moved("towpath", platform.rows, tuple(noting.sizes), time.monotonic() - began, clock.seconds())


def _launch(name: str, command: Sequence[str], config_json: str) -> worker_pb2.ConnectorLaunch:
    launch = worker_pb2.ConnectorLaunch(connector=f"connectors/{name}", command=command, config_json=config_json)
    launch.spec.config_json_schema = "{}"
    return launch


def _work() -> worker_pb2.StreamWork:
    stream = connections_pb2.ConnectionStream(
        name=types_pb2.StreamName(name="events"),
        read_mode=types_pb2.READ_MODE_SNAPSHOT,
        write_mode=types_pb2.WRITE_MODE_OVERWRITE,
    )
    return worker_pb2.StreamWork(stream=stream, generation_id=1, minimum_generation_id=1)


class _Noting:
    """The source, and the sizes of the batches that it sends."""

    def __init__(self, source: Connector) -> None:
        self._source = source
        self.sizes: list[int] = []

    def read(self, stream: source_pb2.ReadStream, attempt: int) -> ReadCall:
        return _NotingRead(self._source.read(stream, attempt), self.sizes)

    async def lost(self) -> Located | None:
        return await self._source.lost()


class _NotingRead:
    def __init__(self, read: ReadCall, sizes: list[int]) -> None:
        self._read = read
        self._sizes = sizes
        self.acknowledge = read.acknowledge
        self.half_close = read.half_close
        self.cancel = read.cancel

    async def receive(self) -> bytes | None:
        message = await self._read.receive()
        if message is not None and peek(message).kind == ReadKind.BATCH:
            self._sizes.append(len(message))
        return message


class _Agreeable:
    """A server that stores everything at once."""

    def __init__(self) -> None:
        self.rows = 0

    async def commit(self, request: worker_pb2.CommitStreamRequest) -> None:
        self.rows += request.rows

    async def reset(self, stream_index: int, reason: Located) -> worker_pb2.StreamWork:
        del stream_index
        raise reason

    async def schema_changed(self, stream_index: int, columns: Sequence[connections_pb2.ColumnChange]) -> None:
        """Nobody asks."""

    async def finish(self, stream_index: int, failure: Located | None, ipc_schema: bytes) -> None:
        del stream_index, ipc_schema
        if failure is not None:
            raise failure

    async def report(self, streams: Sequence[worker_pb2.StreamCounters]) -> bool:
        del streams
        return False


class _Journal:
    """Shows what somebody should look at."""

    def note(
        self,
        origin: Origin,
        level: types_pb2.LogEntry.Level,
        message: str,
        *,
        stream: types_pb2.StreamName | None = None,
        **attributes: object,
    ) -> None:
        del stream, attributes
        if level >= types_pb2.LogEntry.LEVEL_WARN:
            print(f"{origin}: {message}", file=sys.stderr)

    def entry(self, origin: Origin, entry: types_pb2.LogEntry, stream: types_pb2.StreamName | None) -> None:
        self.note(origin, entry.level, entry.message, stream=stream)


if __name__ == "__main__":
    keep_memory()
    print(asyncio.run(transfer(sys.stdin.read())).to_json())
