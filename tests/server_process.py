"""The server as the program that an operator starts, for tests that kill it or read what it says."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from server_bench import Api, Bench
from towpath_local.embedded.ports import free_port

_READY_SECONDS = 60.0
_STOP_SECONDS = 30.0


@dataclass
class ServerProcess:
    """One `towpath-server`; starting it again uses the same address, folder and flags."""

    directory: Path
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    credentials: grpc.ChannelCredentials | None = None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"localhost:{self.port}"

    @property
    def output(self) -> str:
        """What it wrote so far, over all its starts."""
        return (self.directory / "server.out").read_text()

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it without waiting for anything."""
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "towpath_server", "--listen", self.address, *self.arguments]
        plain = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
        with (self.directory / "server.out").open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                env={**plain, **self.environment},
            )
        return self.process

    async def start(self) -> Api:
        """Start it, and return how to call it when it says that it serves."""
        process = self.spawn()
        api = Api(self.channel())
        health: Any = health_pb2_grpc.HealthStub(api.channel)
        async with asyncio.timeout(_READY_SECONDS):
            while True:
                assert process.poll() is None, f"the server ended:\n{self.output}"
                try:
                    await health.Check(health_pb2.HealthCheckRequest(), timeout=1)
                except grpc.RpcError:
                    await asyncio.sleep(0.05)
                else:
                    return api

    def channel(self) -> aio.Channel:
        """Open a channel that comes back soon after the server did."""
        options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]
        if self.credentials is None:
            return aio.insecure_channel(self.address, options)
        return aio.secure_channel(self.address, self.credentials, options)

    def kill(self) -> None:
        """Kill it as the kernel does when memory runs out."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(_STOP_SECONDS)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, _STOP_SECONDS)

    def run_to_end(self) -> tuple[int, str]:
        """Start it where it cannot run; return its exit code and what it wrote."""
        process = self.spawn()
        try:
            return process.wait(_READY_SECONDS), self.output
        finally:
            process.kill()


@asynccontextmanager
async def server_process(
    bench: Bench, directory: Path, *arguments: str, **values: Any
) -> AsyncGenerator[ServerProcess]:
    """Make a process on the database, Temporal and task queue of a bench; it is dead when the block ends.

    Without flags of its own it lets everybody in.
    """
    settings = bench.settings
    flags = [
        f"--temporal-address={settings.temporal_address}",
        f"--temporal-namespace={settings.temporal_namespace}",
        f"--task-queue={settings.task_queue}",
        "--lease=5",
        *(arguments or ("--auth=off",)),
    ]
    secret = {"TOWPATH_SERVER_KEYS": " ".join(settings.keys), "TOWPATH_SERVER_DATABASE_URL": settings.database_url}
    process = ServerProcess(directory, flags, {**secret, **values.pop("environment", {})}, **values)
    try:
        yield process
    finally:
        if process.process is not None:
            process.kill()
