"""Destinations that remember what a write has said before, and take it for what is asked now.

What they remember they remember for all instances, as a remote system does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import grpc
from towpath.connector.v1 import destination_pb2

from conformance_mutants.messages import Asked, answers
from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Begin, Ending, Relayed
from conformance_mutants.write_relays import OnWrite, asked

_Ask: TypeAlias = destination_pb2.WriteRequest
_Answer: TypeAlias = destination_pb2.WriteResponse
_Complete: TypeAlias = destination_pb2.CompleteWriteRequest


class _KeepsStreamsWithoutRows:
    """Completes a stream only if the write brought rows of it."""

    def __init__(self) -> None:
        self._with_rows: set[str] = set()

    def begin(self, method: str) -> Relayed:
        keeper = self

        class _Notes(OnWrite):
            def ask(self, message: _Ask) -> Iterable[_Ask]:
                if message.HasField("batch"):
                    keeper._with_rows.add(self.writer[0])
                return (message,)

        return _Notes() if method == "Write" else asked(method, self._complete if method == "CompleteWrite" else None)

    def _complete(self, message: _Complete) -> None:
        if message.write_id not in self._with_rows:
            del message.completed_streams[:]


class _CompletesEverything:
    """Removes older generations of every stream of a write, completed or not."""

    def __init__(self) -> None:
        self._streams: dict[str, list[destination_pb2.WriteStream]] = {}

    def begin(self, method: str) -> Relayed:
        keeper = self

        class _Notes(OnWrite):
            def ask(self, message: _Ask) -> Iterable[_Ask]:
                if message.HasField("open"):
                    keeper._streams[message.open.write_id] = list(message.open.streams)
                return (message,)

        return _Notes() if method == "Write" else asked(method, self._complete if method == "CompleteWrite" else None)

    def _complete(self, message: _Complete) -> None:
        if not message.completed_streams:
            message.completed_streams.extend(self._streams.get(message.write_id, []))


class _PublishesEveryCommit:
    """Publishes what was committed since the last open, with or without receipts."""

    def __init__(self) -> None:
        self._receipts: dict[tuple[str, str], list[bytes]] = {}

    def begin(self, method: str) -> Relayed:
        keeper = self

        class _Notes(OnWrite):
            def ask(self, message: _Ask) -> Iterable[_Ask]:
                if message.HasField("open"):
                    keeper._receipts[self.writer] = []
                return (message,)

            def answer(self, message: _Answer) -> Iterable[_Answer]:
                if message.HasField("committed"):
                    keeper._receipts[self.writer].append(message.committed.receipt)
                return (message,)

        if method == "Write":
            return _Notes()
        return asked(method, {"CompleteWrite": self._complete, "AbortWrite": self._abort}.get(method))

    def _complete(self, message: _Complete) -> None:
        for (write_id, _), receipts in self._receipts.items():
            if write_id == message.write_id:
                message.receipts.extend(receipt for receipt in receipts if receipt not in message.receipts)

    def _abort(self, message: destination_pb2.AbortWriteRequest) -> None:
        for writer in [writer for writer in self._receipts if writer[0] == message.write_id]:
            del self._receipts[writer]


class _KeepsWhatIsNotStored:
    """Hides from the destination that a writer is resumed before its last commit: nothing is discarded."""

    def __init__(self) -> None:
        self._receipts: dict[tuple[str, str], list[bytes]] = {}
        self._lost: dict[str, list[bytes]] = {}

    def begin(self, method: str) -> Relayed:
        keeper = self

        class _Resumed(OnWrite):
            _ahead = 0

            def ask(self, message: _Ask) -> Iterable[_Ask]:
                if message.HasField("open"):
                    known = keeper._receipts.setdefault(self.writer, [])
                    stored = message.open.resume_after_commit_seq
                    if 0 < stored < len(known):
                        self._ahead = len(known) - stored
                        keeper._lost.setdefault(message.open.write_id, []).extend(known[stored:])
                        message.open.resume_after_commit_seq = len(known)
                        message.open.receipts.extend(known[stored:])
                elif message.HasField("commit"):
                    message.commit.commit_seq += self._ahead
                return (message,)

            def answer(self, message: _Answer) -> Iterable[_Answer]:
                if message.HasField("committed"):
                    keeper._receipts[self.writer].append(message.committed.receipt)
                    message.committed.commit_seq -= self._ahead
                return (message,)

        return _Resumed() if method == "Write" else asked(method, self._complete if method == "CompleteWrite" else None)

    def _complete(self, message: _Complete) -> None:
        message.receipts.extend(self._lost.get(message.write_id, []))


class _CompletesOnce:
    """Says of a completed write that there is none."""

    def __init__(self) -> None:
        self._asked: set[bytes] = set()

    def begin(self, method: str) -> Relayed:
        keeper = self

        class _Remembers(Asked):
            async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
                if ending[0] is grpc.StatusCode.OK and self.asked in keeper._asked:
                    return (), (grpc.StatusCode.NOT_FOUND, "there is no such write", ())
                keeper._asked.add(self.asked)
                return (), ending

        return _Remembers() if method == "CompleteWrite" else Relayed()


class _AbortsWhatItKnows:
    """Says of a write that was never opened that there is none."""

    def __init__(self) -> None:
        self._opened: set[str] = set()

    def begin(self, method: str) -> Relayed:
        keeper = self

        class _Notes(OnWrite):
            def ask(self, message: _Ask) -> Iterable[_Ask]:
                if message.HasField("open"):
                    keeper._opened.add(message.open.write_id)
                return (message,)

        class _Looks(Asked):
            async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
                if destination_pb2.AbortWriteRequest.FromString(self.asked).write_id in keeper._opened:
                    return (), ending
                return (), (grpc.StatusCode.NOT_FOUND, "there is no such write", ())

        return {"Write": _Notes, "AbortWrite": _Looks}.get(method, Relayed)()


def _plans_differently_each_time() -> Begin:
    seen: set[bytes] = set()

    def each(
        request: destination_pb2.PrepareWriteRequest, planned: destination_pb2.PrepareWriteResponse
    ) -> destination_pb2.PrepareWriteResponse:
        asked = request.SerializeToString(deterministic=True)
        if asked in seen:
            planned.columns.add(column="id", stored_name="id", fit=destination_pb2.ColumnPlan.FIT_LOSSLESS)
        seen.add(asked)
        return planned

    return answers("PrepareWrite", destination_pb2.PrepareWriteRequest, destination_pb2.PrepareWriteResponse, each)


mutant(
    "write.overwrite-with-nothing", "destination", "keeps what no rows replace", begin=_KeepsStreamsWithoutRows().begin
)
mutant("write.generations", "destination", "completes every stream", begin=_CompletesEverything().begin)
mutant("write.published-exactly", "destination", "publishes every commit", begin=_PublishesEveryCommit().begin)
mutant("write.replay-doubles-nothing", "destination", "keeps what is not stored", begin=_KeepsWhatIsNotStored().begin)
mutant("write.complete-idempotent", "destination", "completes once", begin=_CompletesOnce().begin)
mutant("write.prepare-idempotent", "destination", "plans differently each time", begin=_plans_differently_each_time())
mutant("write.abort-nothing", "destination", "aborts what it knows", begin=_AbortsWhatItKnows().begin)
