"""Bare gRPC streams: messages of given sizes from one process through a second to a third, over Unix sockets.

No protocol, no schema, no checksum, no commits: raw bytes as grpc.aio carries them, which is what the broker is
measured by. The source has its messages ready, more of them than a processor's cache holds; or it makes the rows of
source-faker on the way and sends each batch as one Arrow IPC message, to tell what the rows cost from what the protocol
costs. The relay reads ahead by two; the sink counts. All three have the allocator's settings that the runtime gives its
own processes.

Run as `python -m bench.bare` for the relay: reads `{"sizes": [...]}` or `{"config": {...}}` as JSON from standard
input, starts the other two, and writes a `Moved` to standard output.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, cast

import grpc
import grpc.aio
import pyarrow as pa
from towpath_sdk import ReadMode, ReadStream, StreamName
from towpath_sdk._serve.call_context import CallContext
from towpath_source_faker import FakerConfig, FakerSource
from towpath_worker.memory import keep_memory

from bench.machine import CpuClock
from bench.moved import Moved
from bench.started import started

__all__ = ["relay"]

_SERVICE = "bench.Bare"
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_AHEAD = 2
_READY_BYTES = 128 << 20


async def relay(job: Mapping[str, Any]) -> Moved:
    """Move one message of each size, in this order, or the rows; starting the processes is not measured."""
    program = (sys.executable, "-m", "bench.bare")
    async with (
        started([*program, "source"]) as source,
        started([*program, "sink"]) as sink,
        grpc.aio.insecure_channel(source.address, options=_UNLIMITED) as upstream,
        grpc.aio.insecure_channel(sink.address, options=_UNLIMITED) as downstream,
    ):
        await cast("Any", upstream).unary_unary(f"/{_SERVICE}/Load")(json.dumps(job).encode(), wait_for_ready=True)
        await _connected(downstream)
        processes = {"source": source.pid, "broker": os.getpid(), "destination": sink.pid}
        clock, began = CpuClock(processes), time.monotonic()
        sizes, taken = await _relayed(upstream, downstream)
        seconds, used = time.monotonic() - began, clock.seconds()
    assert taken == sum(sizes), f"{taken} bytes arrived instead of {sum(sizes)}"
    return Moved("bare, rows made" if "config" in job else "bare", 0, tuple(sizes), seconds, used)


async def _relayed(upstream: grpc.aio.Channel, downstream: grpc.aio.Channel) -> tuple[list[int], int]:
    reading: Any = cast("Any", upstream).unary_stream(f"/{_SERVICE}/Read")(b"")
    writing: Any = cast("Any", downstream).stream_unary(f"/{_SERVICE}/Write")()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD)

    async def read() -> None:
        while (message := await reading.read()) is not grpc.aio.EOF:
            await queue.put(message)
        await queue.put(None)

    ahead = asyncio.create_task(read())
    sizes: list[int] = []
    while (message := await queue.get()) is not None:
        sizes.append(len(message))
        await writing.write(message)
    await ahead
    await writing.done_writing()
    return sizes, int(await writing)


async def _connected(channel: grpc.aio.Channel) -> None:
    async with asyncio.timeout(30):
        state = channel.get_state(try_to_connect=True)
        while state is not grpc.ChannelConnectivity.READY:
            await channel.wait_for_state_change(state)
            state = channel.get_state(try_to_connect=True)


class _Source:
    def __init__(self) -> None:
        self._messages: Iterable[bytes] = ()

    async def load(self, request: bytes, context: object) -> bytes:
        """Make the messages ready; they repeat themselves, but for their sizes. Rows are made later."""
        del context
        job = json.loads(request)
        if "config" in job:
            self._messages = _made(FakerConfig.model_validate(job["config"]))
            return b""
        sizes: list[int] = job["sizes"]
        different = [os.urandom(max(sizes)) for _ in range(_READY_BYTES // max(sizes) + 1)]
        self._messages = [different[number % len(different)][:size] for number, size in enumerate(sizes)]
        return b""

    async def read(self, request: bytes, context: Any) -> None:
        """Send them."""
        del request
        for message in self._messages:
            await context.write(message)


def _made(config: FakerConfig) -> Iterator[bytes]:
    stream = ReadStream(StreamName("", "events"), ReadMode.SNAPSHOT)
    for record in FakerSource().read(config, stream, CallContext()):
        if isinstance(record, pa.RecordBatch):
            yield record.serialize().to_pybytes()


async def _write(requests: AsyncIterator[bytes], context: object) -> bytes:
    del context
    taken = 0
    async for message in requests:
        taken += len(message)
    return str(taken).encode()


async def _serve(role: str) -> None:
    server = grpc.aio.server(options=_UNLIMITED)
    source, untyped = _Source(), cast("Any", grpc)
    handlers = {
        "Load": untyped.unary_unary_rpc_method_handler(source.load),
        "Read": untyped.unary_stream_rpc_method_handler(source.read),
    }
    if role == "sink":
        handlers = {"Write": untyped.stream_unary_rpc_method_handler(_write)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
    server.add_insecure_port(os.environ["TOWPATH_LISTEN"])
    await server.start()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)  # until the relay ends


if __name__ == "__main__":
    keep_memory()
    if sys.argv[1:]:
        asyncio.run(_serve(sys.argv[1]))
    else:
        print(asyncio.run(relay(json.load(sys.stdin))).to_json())
