"""Two connectors at a time: what takes a second each takes a second for both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeVar

__all__ = ["together"]

T = TypeVar("T")
U = TypeVar("U")


@asynccontextmanager
async def together(
    first: AbstractAsyncContextManager[T], second: AbstractAsyncContextManager[U]
) -> AsyncGenerator[tuple[T, U]]:
    """Enter two contexts at the same time, and leave them one after the other.

    When one cannot be entered, or the entering is cancelled, the other is left again before this raises what the first
    of them raised.
    """
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.TaskGroup() as entering:
                one = entering.create_task(stack.enter_async_context(first))
                two = entering.create_task(stack.enter_async_context(second))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        yield one.result(), two.result()
