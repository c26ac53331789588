"""Tells the server how far a check has come, beside the check and never in its way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import structlog
from towpath.connector.v1 import connector_pb2
from towpath.runtime.v1 import worker_pb2

from towpath_worker.failures import Located
from towpath_worker.server.channel import ServerChannel, for_seconds

__all__ = ["Tell", "reporting"]

Tell: TypeAlias = Callable[[Sequence[connector_pb2.CheckResult], str], None]
"""Takes all probes that have ended, and the name of the one that runs; returns at once."""

_PATIENCE = 2.0

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def reporting(server: ServerChannel, task_id: str) -> AsyncGenerator[Tell]:
    """Send what is told, the newest word only; a server that is slow or away misses some, but not the outcome."""
    newest = worker_pb2.ReportTaskRequest(task_id=task_id)
    told = asyncio.Event()

    def tell(results: Sequence[connector_pb2.CheckResult], running: str) -> None:
        newest.CopyFrom(worker_pb2.ReportTaskRequest(task_id=task_id, results=results, running=running))
        told.set()

    async def send() -> None:
        while True:
            await told.wait()
            told.clear()
            request = worker_pb2.ReportTaskRequest()
            request.CopyFrom(newest)
            try:
                await server.call(server.tasks.ReportTask, request, patience=for_seconds(_PATIENCE))
            except Located as failure:
                _log.info("a report was lost", task=task_id, error=failure.error.message)

    sending = asyncio.create_task(send())
    try:
        yield tell
    finally:
        sending.cancel()
        await asyncio.wait({sending})
