"""Runs a coroutine until it ends, or somebody asks for the end: by Ctrl-C, or by SIGTERM as a CI does."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["until_stopped"]

T = TypeVar("T")


def until_stopped(running: Coroutine[Any, Any, T]) -> T:
    """Run it on a loop of its own. Raises KeyboardInterrupt after it was stopped, once it has cleaned up."""

    async def run() -> T:
        task = asyncio.ensure_future(running)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
