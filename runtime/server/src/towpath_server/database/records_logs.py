"""Rows of job logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_server.database import tables
from towpath_server.database.codec import decode_stream_name, encode_stream_name, from_micros, micros
from towpath_server.domain.log import LogLevel, LogLine

__all__ = ["LogRows"]

_LINE = [tables.log_lines.c[field.name] for field in fields(LogLine)]
_LEVELS = {int(level): level for level in LogLevel}
_NONE = "{}"


class LogRows:
    """Lines of job logs, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def append(self, job: str, lines: Sequence[LogLine]) -> None:
        """Append lines, numbered on from the last one without a gap, to the log of a job that exists."""
        if not lines:
            return
        table = tables.jobs
        counter = update(table).where(table.c.id == job).values(log_seq=table.c.log_seq + len(lines))
        last: int | None = (await self._connection.execute(counter.returning(table.c.log_seq))).scalar()
        if last is None:
            return
        first = last - len(lines) + 1
        await self._connection.execute(
            insert(tables.log_lines),
            [
                {
                    "job": job,
                    "seq": first + offset,
                    "time": micros(line.time),
                    "level": int(line.level),
                    "origin": _storable(line.origin),
                    "message": _storable(line.message),
                    "attributes": _storable(json.dumps(dict(line.attributes), ensure_ascii=False)),
                    "stream": encode_stream_name(line.stream),
                    "attempt": line.attempt,
                }
                for offset, line in enumerate(lines)
            ],
        )

    async def begin_batch(self, job: str, batch_id: str) -> bool:
        """Remember a batch of lines; False when it was stored before. The job must be locked."""
        table = tables.log_batches
        query = select(table.c.batch_id).where(table.c.job == job, table.c.batch_id == batch_id)
        if (await self._connection.execute(query)).first() is not None:
            return False
        await self._connection.execute(insert(table).values(job=job, batch_id=batch_id))
        return True

    async def after(self, job: str, seq: int, minimum: LogLevel | None, limit: int) -> Sequence[LogLine]:
        """Return up to `limit` lines with a higher seq and at least the severity `minimum`."""
        table = tables.log_lines
        query = select(*_LINE).where(table.c.job == job, table.c.seq > seq).order_by(table.c.seq).limit(limit)
        if minimum is not None:
            query = query.where(table.c.level >= int(minimum))
        # A log has millions of lines, and looking up a column by its name takes as long as all else together.
        rows: Sequence[Any] = (await self._connection.execute(query)).all()
        return [
            LogLine(
                from_micros(at),
                _LEVELS[level],
                origin,
                message,
                {} if attributes == _NONE else json.loads(attributes),
                decode_stream_name(stream),
                attempt,
                number,
            )
            for at, level, origin, message, attributes, stream, attempt, number in rows
        ]


def _storable(text: str) -> str:
    # PostgreSQL cannot store NUL in text.
    return text.replace("\x00", "\ufffd")
