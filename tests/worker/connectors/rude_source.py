# ruff: noqa: ARG002, N802 - the signatures are those of the generated code
"""A source that breaks the protocol. Written from the protos; of the SDK it takes a lean start alone.

What it breaks while it starts, a file names, whose path is the only argument; as long as that is empty, the source
behaves, so that it can be registered. What it breaks in a Read is the name of the stream.
"""

from __future__ import annotations

from towpath_sdk import lean

# isort: split
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from rude_messages import FAULTS, SCHEMA, batch, opened, schema
from towpath.connector.v1 import connector_pb2, connector_pb2_grpc, source_pb2, types_pb2

_STARTING = {"exits": 1, "exits_misconfigured": 3, "exits_unavailable": 7}
"""Faults that end the process at once, and with what code."""

_BEYOND_MESSAGES = ("exits_in_the_middle", "blocks", "refuses")
"""Faults in a Read that are more than its messages."""


class Connector(connector_pb2_grpc.ConnectorServiceServicer):
    """Answers what has to be answered before anything can be broken."""

    def __init__(self, fault: str) -> None:
        """Break in this way."""
        self._fault = fault

    async def Handshake(self, request: Any, context: Any) -> connector_pb2.HandshakeResponse:
        """Agree to everything."""
        if self._fault == "handshake_hangs":
            await asyncio.sleep(600)
        major = 2 if self._fault == "from_the_future" else 1
        version = connector_pb2.ProtocolVersion(major=major, minor=0)
        return connector_pb2.HandshakeResponse(selected_version=version, instance_id="rude")

    async def Spec(self, request: Any, context: Any) -> connector_pb2.SpecResponse:
        """Be a source that takes any configuration."""
        return connector_pb2.SpecResponse(
            connector_id="local.rude",
            connector_version="1",
            roles=[connector_pb2.ROLE_SOURCE],
            config_json_schema='{"type": "object"}',
            source=connector_pb2.SourceCapabilities(),
        )

    async def Check(self, request: Any, context: Any) -> connector_pb2.CheckResponse:
        """Find nothing wrong, or never answer."""
        if self._fault == "check_hangs":
            await asyncio.sleep(600)
        return connector_pb2.CheckResponse(results=[connector_pb2.CheckResult(probe="manners")])

    async def WatchCheck(self, request: Any, context: Any) -> AsyncIterator[connector_pb2.WatchCheckResponse]:
        """Not served; or tell of one probe, and of a second that lasts for as long as the fault."""
        if self._fault != "check_lasts":
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "an older connector")
        yield connector_pb2.WatchCheckResponse(ended=connector_pb2.CheckResult(probe="manners"))
        yield connector_pb2.WatchCheckResponse(begun="patience")
        while fault_of_today() == "check_lasts":  # noqa: ASYNC110 - a file tells nobody that it changes
            await asyncio.sleep(0.02)
        yield connector_pb2.WatchCheckResponse(ended=connector_pb2.CheckResult(probe="patience"))

    async def Discover(self, request: Any, context: Any) -> AsyncIterator[connector_pb2.DiscoverResponse]:
        """Offer a stream for every fault; or die halfway."""
        for fault in (*FAULTS, *_BEYOND_MESSAGES):
            stream = types_pb2.StreamDescriptor(
                name=types_pb2.StreamName(name=fault),
                ipc_schema=SCHEMA.serialize().to_pybytes(),
                read_modes=[types_pb2.READ_MODE_SNAPSHOT],
            )
            yield connector_pb2.DiscoverResponse(streams=[stream])
        if self._fault == "discover_dies":
            say("I cannot go on")
            os._exit(1)


async def read(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
    """Break the protocol in the way that the stream is called."""
    request = source_pb2.ReadRequest.FromString(await anext(requests))
    fault = request.open.streams[0].name.name
    for message in FAULTS.get(fault, []):
        yield message
    if fault == "exits_in_the_middle":
        for message in (opened(), schema(), batch(1)):
            yield message
        await asyncio.sleep(0.2)
        say("Segmentation fault (not really)")
        os._exit(42)
    if fault == "blocks":
        yield opened()
        await asyncio.sleep(0.1)  # until that is on its way
        time.sleep(600)  # noqa: ASYNC251  # not even its own loop gets a turn
    if fault == "refuses":
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not in the mood")


async def serve(fault: str) -> None:
    """Serve until killed."""
    server = grpc.aio.server()
    connector: Any = Connector(fault)
    connector_pb2_grpc.add_ConnectorServiceServicer_to_server(connector, server)

    handler = grpc.stream_stream_rpc_method_handler(cast("Any", read))
    service = grpc.method_handlers_generic_handler("towpath.connector.v1.SourceService", {"Read": handler})
    server.add_generic_rpc_handlers((service,))
    healthy: Any = cast("Any", health).aio.HealthServicer()
    await healthy.set("", health_pb2.HealthCheckResponse.SERVING)
    cast("Any", health_pb2_grpc).add_HealthServicer_to_server(healthy, server)
    server.add_insecure_port(os.environ["TOWPATH_LISTEN"])
    await server.start()
    await server.wait_for_termination()


def garbage() -> Iterator[bytes]:
    """What a broken program prints: no text, one endless line, far too many lines."""
    yield bytes(range(256)) * 4 + b"\n"
    yield b"x" * 100_000 + b"\n"
    for number in range(5000):
        yield b"line %d\n" % number


def say(text: str) -> None:
    """Print a line; it is the last one often enough."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def fault_of_today() -> str:
    """Read the file that says how to be rude."""
    return Path(sys.argv[1]).read_text().strip()


def main() -> None:
    """Do what the file says."""
    fault = fault_of_today()
    if fault in _STARTING:
        sys.stderr.write("ImportError: no module named flux_capacitor\n")
        sys.exit(_STARTING[fault])
    if fault == "is_killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "hangs":
        say("thinking about it")
        time.sleep(600)
    if fault == "prints_garbage":
        for piece in garbage():
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()
    if fault == "is_deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    asyncio.run(serve(fault))


if __name__ == "__main__":
    lean.loaded()
    main()
