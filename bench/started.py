"""Processes that listen on a Unix socket of their own, for the time of a measurement."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from towpath_worker.launch.environment import connector_environment

__all__ = ["Started", "started"]


@dataclass(frozen=True)
class Started:
    """A process that will listen at `address`, if it does not already."""

    address: str
    pid: int


@asynccontextmanager
async def started(command: Sequence[str]) -> AsyncGenerator[Started]:
    """Start a command with TOWPATH_LISTEN set and the environment that the worker gives to connectors; end it after."""
    with tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder:
        address = f"unix:{folder}/s"
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**connector_environment(os.environ), "TOWPATH_LISTEN": address, "TOWPATH_EXIT_WITH_PARENT": "1"},
            stdin=asyncio.subprocess.PIPE,
        )
        try:
            yield Started(address, process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
