"""One stream from a source to a destination: one Read, one Write, and what lies between them."""

from __future__ import annotations

import asyncio
from typing import cast

from google.protobuf.message import DecodeError
from towpath.connector.v1 import destination_pb2, source_pb2, types_pb2
from towpath.runtime.v1 import worker_pb2
from towpath_sdk.errors import Owner, TowpathError, Unavailable
from towpath_sdk.framing import BatchHeader, ReadKind, peek
from towpath_sdk.status import from_status

from towpath_worker.failures import Located, locate
from towpath_worker.transfer.budget import Grant
from towpath_worker.transfer.job import Job
from towpath_worker.transfer.ledger import Checkpoint, Ledger, violation
from towpath_worker.transfer.ports import ReadCall
from towpath_worker.transfer.progress import StreamProgress
from towpath_worker.transfer.schema import check_drift, plan
from towpath_worker.transfer.writer import LEAVE_TIMEOUT, StreamWriter

__all__ = ["StreamTransfer"]

_FIRST_RESERVATION = 4 * 1024 * 1024
_Status = types_pb2.StreamStatus


class StreamTransfer:
    """Moves what is left of one stream, and tells the platform when all of it is durable."""

    def __init__(self, job: Job, work: worker_pb2.StreamWork, progress: StreamProgress) -> None:
        self._job = job
        self._work = work
        self._name = work.stream.name
        self._progress = progress
        self._read: ReadCall | None = None
        self._writer = StreamWriter(
            job,
            _target(work),
            Ledger(commit_seq=work.commit_seq, stored=(work.state, work.state_version)),
            progress,
            stream_index=work.stream_index,
            on_stored=self._acknowledge,
        )
        self._schemas: list[bytes] = []
        self._grants: set[Grant] = set()
        self._largest = 0
        self._terminal: types_pb2.StreamStatus | None = None
        self._acknowledged = 0

    async def run(self) -> None:
        """Transfer to the end, and say so to the platform. Raises Located; what was committed until then stays."""
        self._read = read = self._job.source.read(_selection(self._work), self._job.epoch)
        try:
            async with asyncio.TaskGroup() as group:
                await self._pump(read, group)
        except BaseExceptionGroup as failures:
            raise _first(failures) from failures
        finally:
            read.cancel()
            self._writer.cancel()
            for grant in self._grants:
                grant.release()

    async def _pump(self, read: ReadCall, group: asyncio.TaskGroup) -> None:
        try:
            await self._expect_opened(read)
            while not await self._next(read, group):
                pass
            await self._end(read, group)
        except TowpathError as error:
            raise locate(error, "source") from error

    async def _expect_opened(self, read: ReadCall) -> None:
        while True:
            message = await self._receive(read)
            kind = peek(message).kind
            if kind == ReadKind.OPENED:
                return
            if kind != ReadKind.LOG:
                raise violation("the source sent something else before it opened the read")
            self._job.journal.entry("source", _parse(message).log, self._name)

    async def _receive(self, read: ReadCall) -> bytes:
        message = await read.receive()
        if message is None:
            raise violation("the source ended the read without saying that it finished")
        return message

    async def _next(self, read: ReadCall, group: asyncio.TaskGroup) -> bool:
        """Handle one message; true when it was the last one."""
        grant = await self._job.budget.reserve(self._largest or _FIRST_RESERVATION)
        self._grants.add(grant)
        message = await self._receive(read)
        frame = peek(message)
        if frame.batch is not None:
            await self._batch(message, frame.batch, grant, group)
            return False
        grant.release()
        self._grants.discard(grant)
        if frame.kind == ReadKind.SCHEMA:
            await self._schema(message)
        elif frame.kind == ReadKind.CHECKPOINT:
            await self._checkpoint(_parse(message).checkpoint, group)
        elif frame.kind == ReadKind.STATUS:
            self._status(_parse(message).status)
        elif frame.kind == ReadKind.LOG:
            self._job.journal.entry("source", _parse(message).log, self._name)
        elif frame.kind == ReadKind.OPENED:
            raise violation("the source opened the read twice")
        elif frame.kind == ReadKind.FINISHED:
            last = _parse(message).finished.last_checkpoint_seq
            if last != self._writer.ledger.checkpoint_seq:
                raise violation(f"the read finished at checkpoint {last}, not {self._writer.ledger.checkpoint_seq}")
            return True
        return False

    async def _batch(self, message: bytes, batch: BatchHeader, grant: Grant, group: asyncio.TaskGroup) -> None:
        self._expect_running(batch.stream, f"batch {batch.batch_seq}")
        writer = self._writer
        writer.ledger = writer.ledger.batched(batch.batch_seq, batch.schema_id, batch.rows, batch.payload_bytes)
        grant.resize(len(message))
        self._largest = max(self._largest, len(message))
        self._progress.read(batch.rows, batch.payload_bytes)
        await self._open_writer(group)
        self._grants = {held for held in self._grants if held.held}
        await writer.put(message, grant)

    async def _schema(self, message: bytes) -> None:
        announced = _parse(message).schema
        self._expect_running(announced.stream, f"schema {announced.schema_id}")
        writer = self._writer
        before = writer.ledger.ipc_schema or self._work.last_ipc_schema
        writer.ledger = writer.ledger.announced(announced.schema_id, announced.ipc_schema)
        await check_drift(self._job, self._work.stream_index, self._name, before, announced.ipc_schema)
        if not writer.opened and not writer.target.primary_key:
            writer.target.primary_key.extend(announced.primary_key)
        await plan(self._job, writer.target, announced)
        if writer.opened:
            await writer.put(message)
        else:
            self._schemas.append(message)

    async def _checkpoint(self, message: types_pb2.Checkpoint, group: asyncio.TaskGroup) -> None:
        self._expect_running(
            message.stream if message.HasField("stream") else 0, f"checkpoint {message.checkpoint_seq}"
        )
        writer = self._writer
        writer.ledger = writer.ledger.checkpointed(
            Checkpoint(
                message.checkpoint_seq, message.state, message.state_version, message.up_to_batch_seq, message.rows
            )
        )
        if writer.commit_is_due:
            await self._open_writer(group)
            await writer.commit()

    def _status(self, status: types_pb2.StreamStatus) -> None:
        self._expect_running(status.stream, "a status")
        note, info = self._job.journal.note, types_pb2.LogEntry.LEVEL_INFO
        if status.state in {_Status.STATE_COMPLETE, _Status.STATE_INCOMPLETE, _Status.STATE_FAILED}:
            self._terminal = status
        elif status.state == _Status.STATE_WAITING:
            until = status.resume_at.ToDatetime().isoformat(timespec="seconds")
            note("source", info, f"waiting for the remote system until {until} UTC", stream=self._name)

    def _expect_running(self, stream: int, what: str) -> None:
        if stream != 0:
            raise violation(f"{what} names stream {stream}, which was not opened")
        if self._terminal is not None:
            raise violation(f"{what} follows the end of the stream")

    async def _end(self, read: ReadCall, group: asyncio.TaskGroup) -> None:
        """Commit what is left, tell the platform, and take leave of both connectors."""
        writer, terminal = self._writer, self._terminal
        if terminal is None:
            raise violation("the read finished without a terminal status of the stream")
        complete = terminal.state == _Status.STATE_COMPLETE
        if complete and not writer.ledger.covered:
            raise violation("the stream is complete, but its last batches are covered by no checkpoint")
        if writer.ledger.worth_a_commit:
            await self._open_writer(group)
            await writer.commit()
        await writer.all_stored()
        if terminal.state == _Status.STATE_FAILED:
            raise Located(from_status(terminal.failure), "source")
        if not complete:
            message = "the source stopped before the end of the stream; the next attempt continues there"
            raise Located(Unavailable(message, reason="INCOMPLETE", owner=Owner.CONNECTOR), "source")
        await self._job.platform.finish(self._work.stream_index, None, writer.ledger.ipc_schema)
        await writer.close()
        await self._take_leave(read)

    async def _take_leave(self, read: ReadCall) -> None:
        """Acknowledge the last checkpoint and let the source end; all data are safe, so a failure is only a remark."""
        last = self._writer.ledger.checkpoint
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT):
                if last is not None and last.seq > self._acknowledged:
                    await self._acknowledge(last)
                await read.half_close()
                while await read.receive() is not None:
                    pass
        except Located as failure:
            self._warn(f"the source ended the read with a failure after its last row: {failure.error}")
        except TimeoutError:
            self._warn(f"the source did not end the read within {LEAVE_TIMEOUT:g} s after its last row")

    def _warn(self, message: str) -> None:
        self._job.journal.note("source", types_pb2.LogEntry.LEVEL_WARN, message, stream=self._name)

    async def _acknowledge(self, checkpoint: Checkpoint) -> None:
        if self._read is not None:
            await self._read.acknowledge(checkpoint.seq)
            self._acknowledged = checkpoint.seq

    async def _open_writer(self, group: asyncio.TaskGroup) -> None:
        if self._writer.opened:
            return
        await self._writer.open(group, list(self._work.receipts))
        for schema in self._schemas:
            await self._writer.put(schema)
        self._schemas.clear()


def _selection(work: worker_pb2.StreamWork) -> source_pb2.ReadStream:
    stream = work.stream
    return source_pb2.ReadStream(
        name=stream.name,
        mode=stream.read_mode,
        columns=stream.columns,
        cursor_column=stream.cursor_column,
        state=work.state,
        state_version=work.state_version,
    )


def _target(work: worker_pb2.StreamWork) -> destination_pb2.WriteStream:
    return destination_pb2.WriteStream(
        name=work.stream.name,
        mode=work.stream.write_mode,
        primary_key=work.stream.primary_key,
        generation_id=work.generation_id,
        minimum_generation_id=work.minimum_generation_id,
    )


def _parse(message: bytes) -> source_pb2.ReadResponse:
    try:
        return source_pb2.ReadResponse.FromString(message)
    except DecodeError as error:
        raise violation("a message is not protobuf") from error


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the failure that came first: the others only followed from it."""
    first = failures.exceptions[0]
    if isinstance(first, BaseExceptionGroup):
        return _first(cast("BaseExceptionGroup[BaseException]", first))
    return locate(first)
