"""Rows of connector tasks, of catalogs, and of requests that may be repeated."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_server.database import tables
from towpath_server.database.codec import (
    decode_failure,
    decode_selections,
    encode_failure,
    encode_selections,
    from_micros,
    micros,
)
from towpath_server.database.programs import decode_program, encode_program
from towpath_server.database.sealing import Sealer
from towpath_server.domain.task import Launch, Task, TaskKind, TaskReport, TaskResult, Work

__all__ = ["CatalogRows", "RequestRows", "TaskRows"]


class TaskRows:
    """Connector tasks, within one transaction; launch, report and result are sealed."""

    def __init__(self, connection: AsyncConnection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer

    async def add(self, task: Task) -> None:
        """Insert a task."""
        launch = {
            "connector": task.launch.connector,
            "program": encode_program(task.launch.program),
            "config_json": task.launch.config_json,
            "spec": task.launch.spec.hex(),
            "streams": encode_selections(task.work.streams),
            "max_rows": task.work.max_rows,
            "ipc_schemas": [schema.hex() for schema in task.work.ipc_schemas],
        }
        await self._connection.execute(
            insert(tables.tasks).values(
                id=task.id,
                kind=int(task.kind),
                launch=self._seal(task.id, "launch", launch),
                deadline=micros(task.deadline),
            )
        )

    async def find(self, identifier: str) -> Task | None:
        """Return a task, None when it was dropped."""
        query = select(tables.tasks).where(tables.tasks.c.id == identifier)
        row = (await self._connection.execute(query)).mappings().first()
        if row is None:
            return None
        launch = self._open(identifier, "launch", row["launch"])
        result = None
        if row["result"] is not None:
            document = self._open(identifier, "result", row["result"])
            result = TaskResult(decode_failure(document["failure"]), bytes.fromhex(document["message"]))
        return Task(
            id=identifier,
            kind=TaskKind(row["kind"]),
            launch=Launch(
                connector=launch["connector"],
                program=decode_program(launch["program"]),
                config_json=launch["config_json"],
                spec=bytes.fromhex(launch["spec"]),
            ),
            deadline=from_micros(row["deadline"]),
            result=result,
            holder=row["holder"],
            work=Work(
                decode_selections(launch.get("streams", "[]")),
                launch.get("max_rows", 0),
                tuple(map(bytes.fromhex, launch.get("ipc_schemas", []))),
            ),
        )

    async def hold(self, identifier: str, holder: str) -> None:
        """Store who works on a task from now on."""
        table = tables.tasks
        await self._connection.execute(update(table).where(table.c.id == identifier).values(holder=holder))

    async def report(self, identifier: str, report: TaskReport) -> None:
        """Store how far a task has come, unless it has its outcome, or was dropped."""
        document = {"results": report.results.hex(), "running": report.running}
        table = tables.tasks
        await self._connection.execute(
            update(table)
            .where(table.c.id == identifier, table.c.result.is_(None))
            .values(report=self._seal(identifier, "report", document))
        )

    async def complete(self, identifier: str, result: TaskResult) -> None:
        """Store the outcome, unless there is one, or the task was dropped."""
        document = {"failure": encode_failure(result.failure), "message": result.message.hex()}
        table = tables.tasks
        await self._connection.execute(
            update(table)
            .where(table.c.id == identifier, table.c.result.is_(None))
            .values(result=self._seal(identifier, "result", document))
        )

    async def standing(self, identifier: str) -> tuple[TaskReport | None, bool]:
        """Return the last report, None when there was none, and whether the task has its outcome."""
        table = tables.tasks
        query = select(table.c.report, table.c.result.is_not(None)).where(table.c.id == identifier)
        row = (await self._connection.execute(query)).first()
        if row is None or row[0] is None:
            return None, row is not None and bool(row[1])
        document = self._open(identifier, "report", row[0])
        return TaskReport(bytes.fromhex(document["results"]), document["running"]), bool(row[1])

    async def drop(self, identifier: str) -> None:
        """Forget a task."""
        await self._connection.execute(delete(tables.tasks).where(tables.tasks.c.id == identifier))

    async def drop_overdue(self, before: datetime) -> None:
        """Forget tasks whose deadline was before `before`: their server died while it waited."""
        await self._connection.execute(delete(tables.tasks).where(tables.tasks.c.deadline < micros(before)))

    def _seal(self, identifier: str, part: str, document: dict[str, Any]) -> bytes:
        return self._sealer.seal(f"tasks/{identifier}/{part}", json.dumps(document, ensure_ascii=False).encode())

    def _open(self, identifier: str, part: str, sealed: bytes) -> dict[str, Any]:
        return json.loads(self._sealer.open(f"tasks/{identifier}/{part}", sealed))


class CatalogRows:
    """The catalog that each source showed last."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, source: str, source_etag: str) -> bytes | None:
        """Return the serialized DiscoverResponse that a source gave under its present configuration."""
        table = tables.catalogs
        query = select(table.c.catalog).where(table.c.source == source, table.c.source_etag == source_etag)
        return (await self._connection.execute(query)).scalar()

    async def put(self, source: str, source_etag: str, catalog: bytes, time: datetime) -> None:
        """Keep the catalog of a source in place of the one before."""
        table = tables.catalogs
        await self._connection.execute(delete(table).where(table.c.source == source))
        await self._connection.execute(
            insert(table).values(source=source, source_etag=source_etag, catalog=catalog, update_time=micros(time))
        )


class RequestRows:
    """Requests with a request_id, so that a repetition does nothing twice."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, method: str, request_id: str) -> tuple[str, str] | None:
        """Return subject and resource of a request that was served before."""
        table = tables.requests
        query = select(table.c.subject, table.c.resource).where(
            table.c.method == method, table.c.request_id == request_id
        )
        row = (await self._connection.execute(query)).first()
        return None if row is None else (row[0], row[1])

    async def add(self, method: str, request_id: str, subject: str, resource: str, time: datetime) -> None:
        """Remember a request, what it asked about, and the resource that it made."""
        await self._connection.execute(
            insert(tables.requests).values(
                method=method, request_id=request_id, subject=subject, resource=resource, create_time=micros(time)
            )
        )

    async def drop_older(self, before: datetime) -> None:
        """Forget requests from before `before`."""
        await self._connection.execute(delete(tables.requests).where(tables.requests.c.create_time < micros(before)))
