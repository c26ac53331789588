"""What every launcher does: wait until a connector serves or has ended, and clean up without being cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from towpath_sdk.errors import KINDS, Kind, Misconfigured, Owner, TowpathError, Unavailable

from towpath_worker.launch.port import Ending

__all__ = ["Starting", "finish", "ready"]

T = TypeVar("T")


class Starting(Protocol):
    """A connector that was started and may not serve yet."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def last_lines(self) -> Sequence[str]:
        """What it printed last."""
        ...

    async def ended(self) -> Ending:
        """Wait until it has ended."""
        ...


async def ready(connector: Starting, serving: Coroutine[Any, Any, None], seconds: float) -> None:
    """Wait until `serving` returns.

    Raises what `ended_before_ready` says when the connector ends first, and Unavailable after `seconds`.
    """
    served, ended = asyncio.create_task(serving), asyncio.create_task(connector.ended())
    try:
        await asyncio.wait({served, ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if served.done():
            served.result()
            return
        if ended.done():
            raise ended_before_ready(connector.name, ended.result())
        raise Unavailable(
            f"{connector.name} did not become ready within {seconds:g} s and was stopped; if it needs"
            f" longer, raise TOWPATH_WORKER_START_TIMEOUT{Ending(0, connector.last_lines).last_words}",
            reason="CONNECTOR_START_TIMEOUT",
            owner=Owner.CONNECTOR,
        )
    finally:
        served.cancel()
        ended.cancel()
        await finish(asyncio.wait({served, ended}))  # whatever was being started is stopped by then


def ended_before_ready(name: str, ending: Ending) -> TowpathError:
    """Return the failure of a connector that ended before it was ready.

    A connector that was killed may have been out of memory: another attempt can help. One that ended by itself will
    do so again; an exit code of the error tree tells whose problem it is.
    """
    message = f"{name} {ending} before it was ready; try its command where the worker runs{ending.last_words}"
    if ending.code < 0:
        return Unavailable(message, reason=ending.reason or "CONNECTOR_KILLED", owner=Owner.CONNECTOR)
    kinds = [kind for kind, rule in KINDS.items() if rule.exit_code == ending.code]
    if kinds == [Kind.UNAVAILABLE]:
        return Unavailable(message, reason="CONNECTOR_EXITED")
    return Misconfigured(message, reason="CONNECTOR_EXITED", owner=Owner.CONNECTOR)


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Do what must not be cut short: a cancel in the meantime is passed on afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: BLE001 - raised below, by the task itself
            break
    result = task.result()
    if cancelled is not None:
        raise cancelled
    return result
