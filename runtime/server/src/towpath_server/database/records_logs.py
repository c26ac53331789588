"""Rows of job logs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_server.database import tables
from towpath_server.database.codec import decode_stream_name, encode_stream_name, from_micros, micros
from towpath_server.domain.log import LogLevel, LogLine

__all__ = ["LogRows"]


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
        query = select(table).where(table.c.job == job, table.c.seq > seq).order_by(table.c.seq).limit(limit)
        if minimum is not None:
            query = query.where(table.c.level >= int(minimum))
        return [_line(row) for row in (await self._connection.execute(query)).mappings()]


def _storable(text: str) -> str:
    # PostgreSQL cannot store NUL in text.
    return text.replace("\x00", "\ufffd")


def _line(row: RowMapping) -> LogLine:
    return LogLine(
        time=from_micros(row["time"]),
        level=LogLevel(row["level"]),
        origin=row["origin"],
        message=row["message"],
        attributes=json.loads(row["attributes"]),
        stream=decode_stream_name(row["stream"]),
        attempt=row["attempt"],
        seq=row["seq"],
    )
