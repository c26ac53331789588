"""The author's thread of one Write: opens the writer, hands it verified batches, commits, and always closes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from towpath.connector.v1 import destination_pb2, types_pb2

from towpath_sdk._serve.call_context import CallContext
from towpath_sdk._serve.messages import stream_status
from towpath_sdk._serve.queues import Inbox
from towpath_sdk._serve.write_ledger import Arrived, Commit, WriteLedger
from towpath_sdk.catalog import WriteStream
from towpath_sdk.config import Config
from towpath_sdk.destination import Batch, Destination, OpenWrite, Writer
from towpath_sdk.errors import Bug, Cancelled
from towpath_sdk.redaction import Redactor

__all__ = ["write_streams"]

_Status = types_pb2.StreamStatus


def write_streams(
    destination: Destination[Any],
    config: Config,
    write: OpenWrite,
    context: CallContext,
    inbox: Inbox,
    ledger: WriteLedger,
    redactor: Redactor,
    send: Callable[[bytes], None],
) -> None:
    """Run one writer to its end. Raises what the author raises."""
    writer = destination.open(config, write, context)
    handed_over = Counter[int]()
    try:
        opened = destination_pb2.WriteOpened(discarded=max(0, getattr(writer, "discarded", 0)))
        send(destination_pb2.WriteResponse(opened=opened).SerializeToString())
        while (request := inbox.get()) is not None:
            if context.cancelled:
                raise Cancelled("the call was cancelled")
            if isinstance(request, Arrived):
                _write(writer, request)
                handed_over[request.header.stream] += request.header.rows
            elif isinstance(request, Commit):
                send(_commit(writer, request, handed_over, redactor, len(write.streams)))
                handed_over.clear()
        for status in _final_statuses(write.streams, ledger):
            send(status)
    finally:
        writer.close()


def _write(writer: Writer, arrived: Arrived) -> None:
    header, schema = arrived.header, arrived.schema
    records = schema.decoder.decode(arrived.message, header)
    writer.write(Batch(header.stream, header.batch_seq, records, schema.primary_key))


def _commit(writer: Writer, commit: Commit, handed_over: Counter[int], redactor: Redactor, streams: int) -> bytes:
    made = writer.commit(commit.commit_seq)
    rows = handed_over if made.rows is None else made.rows
    if redactor.finds_secret_in(made.receipt):
        raise Bug("a receipt contains a secret of the configuration", reason="SECRET_IN_RECEIPT")
    if any(not 0 <= stream < streams or count < 0 for stream, count in rows.items()):
        raise Bug(f"commit {commit.commit_seq} counts rows of streams that were not opened")
    committed = destination_pb2.WriteCommitted(commit_seq=commit.commit_seq, receipt=made.receipt, rows=rows)
    return destination_pb2.WriteResponse(committed=committed).SerializeToString()


def _final_statuses(streams: Sequence[WriteStream], ledger: WriteLedger) -> list[bytes]:
    """Complete is what the last commit covers; what came after it is about to be discarded."""
    return [
        destination_pb2.WriteResponse(
            status=stream_status(
                index, _Status.STATE_INCOMPLETE if index in ledger.uncommitted else _Status.STATE_COMPLETE
            )
        ).SerializeToString()
        for index in range(len(streams))
    ]
