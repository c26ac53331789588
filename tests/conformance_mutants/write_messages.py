"""Destinations whose messages break a rule, or who misunderstand those of the platform."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import grpc
from towpath.connector.v1 import destination_pb2, types_pb2
from towpath_conformance.encoding import crc32c
from towpath_conformance.recording import ipc_messages_of

from conformance_mutants.messages import EachWrite, answers, restated, writes
from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Begin, Ending, Relayed
from conformance_mutants.write_relays import OnWrite, asks_of, asks_of_a_write, during_writes

_Ask: TypeAlias = destination_pb2.WriteRequest
_Answer: TypeAlias = destination_pb2.WriteResponse


def _twice(kind: str) -> EachWrite:
    return lambda message: (message, message) if message.HasField(kind) else (message,)


def _counts_one_more() -> EachWrite:
    def each(message: _Answer) -> Iterable[_Answer]:
        for stream in list(message.committed.rows):
            message.committed.rows[stream] += 1
        return (message,)

    return each


def _forgets_the_third_stream() -> EachWrite:
    return lambda message: () if message.HasField("status") and message.status.stream == 2 else (message,)


class _NumbersCommitsItself(OnWrite):
    """Takes any commit for the next one."""

    _next = 0

    def ask(self, message: _Ask) -> Iterable[_Ask]:
        if message.HasField("open"):
            self._next = message.open.resume_after_commit_seq
        elif message.HasField("commit"):
            self._next += 1
            message.commit.commit_seq = self._next
        return (message,)


def _appends_by_default(message: Any) -> None:
    for stream in message.streams:
        stream.mode = stream.mode or types_pb2.WRITE_MODE_APPEND


def _knows_one_stream(message: Any) -> None:
    for stream in message.streams:
        stream.name.CopyFrom(message.streams[0].name)


def _knows_one_writer(message: Any) -> None:
    message.writer_id = "the writer"


def _knows_small_letters(message: Any) -> None:
    streams = message.completed_streams if hasattr(message, "completed_streams") else message.streams
    for stream in streams:
        stream.name.name = stream.name.name.encode("ascii", "replace").decode().lower()


def _replaces_with_each_commit(message: Any) -> None:
    overwrites = any(stream.mode == types_pb2.WRITE_MODE_OVERWRITE for stream in message.completed_streams)
    if overwrites and len(message.receipts) > 1:
        del message.receipts[0]


def _aborts_another(message: destination_pb2.AbortWriteRequest) -> None:
    message.write_id += " of another"


def _overrules_without_reason(words: str) -> Begin:
    """End what a newer epoch overruled with a status that gives no reason; `words` are those of the good one."""

    class _Ends(Relayed):
        async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
            overruled = ending[0] is grpc.StatusCode.ABORTED and words in ending[1]
            return (), restated(ending, lambda status: status.ClearField("details")) if overruled else ending

    return lambda method: _Ends() if method == "Write" else Relayed()


class _KeepsFirstDictionary(OnWrite):
    """Looks values up in the first dictionary of each schema for ever."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def ask(self, message: _Ask) -> Iterable[_Ask]:
        batch = message.batch
        if not message.HasField("batch") or crc32c(batch.ipc_messages) != batch.crc32c:
            return (message,)
        try:
            parts = list(ipc_messages_of(batch.ipc_messages))
        except Exception:  # noqa: BLE001 damage that other checks send: it has no dictionary to keep
            return (message,)
        if any(kind == "dictionary" for kind, _ in parts):
            if batch.schema_id in self._known:
                batch.ipc_messages = b"".join(raw for kind, raw in parts if kind != "dictionary")
                batch.crc32c = crc32c(batch.ipc_messages)
            self._known.add(batch.schema_id)
        return (message,)


def _plans_what_is_not_there(
    _: destination_pb2.PrepareWriteRequest, planned: destination_pb2.PrepareWriteResponse
) -> destination_pb2.PrepareWriteResponse:
    planned.columns.add(column="no such column", stored_name="nothing", fit=destination_pb2.ColumnPlan.FIT_LOSSLESS)
    return planned


_MODES, _ALL = ("PrepareWrite",), ("PrepareWrite", "CompleteWrite")
_PLANS = ("PrepareWrite", destination_pb2.PrepareWriteRequest, destination_pb2.PrepareWriteResponse)

for _check, _name, _begin in (
    ("write.opened-first", "opens twice", writes(lambda: _twice("opened"))),
    ("write.commit-answered", "answers each commit twice", writes(lambda: _twice("committed"))),
    ("write.commit-rows", "counts one row more", writes(_counts_one_more)),
    ("write.commit-order", "takes any commit for the next", during_writes(_NumbersCommitsItself)),
    ("write.terminal-status", "ends the third stream without a status", writes(_forgets_the_third_stream)),
    ("write.unknown-mode", "appends where no mode is set", asks_of_a_write(_appends_by_default, *_MODES)),
    ("write.overwrite", "replaces with each commit", asks_of("CompleteWrite", _replaces_with_each_commit)),
    ("write.two-streams", "puts every batch into the first stream", asks_of_a_write(_knows_one_stream)),
    ("write.parallel-writers", "takes all writers for one", asks_of_a_write(_knows_one_writer)),
    ("write.unicode-names", "knows small letters only", asks_of_a_write(_knows_small_letters, *_ALL)),
    ("write.abort-cleans", "aborts another write", asks_of("AbortWrite", _aborts_another)),
    ("write.fenced", "overrules without a reason", _overrules_without_reason("has gone on to epoch")),
    ("write.fenced-elsewhere", "overrules without a reason", _overrules_without_reason("has taken over from epoch")),
    (
        "write.fenced-after-complete",
        "overrules without a reason",
        _overrules_without_reason("was completed or aborted"),
    ),
    ("write.dictionaries", "keeps the first dictionary", during_writes(_KeepsFirstDictionary)),
    ("write.column-plans", "plans a column that is not there", answers(*_PLANS, _plans_what_is_not_there)),
):
    mutant(_check, "destination", _name, begin=_begin)
