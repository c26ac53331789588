"""Sources that break a rule of states and acknowledgements in their messages."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable

import grpc
from towpath.connector.v1 import connector_pb2, source_pb2

from conformance_mutants.messages import answers
from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Begin, Ending, Relayed
from conformance_mutants.read_relays import COMPLETE, INCOMPLETE, Ask, OnRead, Say, during_reads, opens

_NEVER_EMITTED = 1_000_000
_KNOWN_VERSION = 1


class _Acknowledged(OnRead):
    """Keeps count of checkpoints and acknowledgements."""

    def __init__(self) -> None:
        super().__init__()
        self.emitted = 0
        self.acks: list[int] = []
        self.finished = False

    def ask(self, message: Ask) -> Iterable[Ask]:
        if not message.HasField("ack"):
            return (message,)
        passed = self.hear(message)
        self.acks.append(message.ack.checkpoint_seq)
        return passed

    def hear(self, message: Ask) -> Iterable[Ask]:
        """Say what the source hears of an acknowledgement."""
        return (message,)

    def answer(self, message: Say) -> Iterable[Say]:
        if message.HasField("checkpoint"):
            self.emitted = message.checkpoint.checkpoint_seq
        self.finished = self.finished or message.HasField("finished")
        return (message,)


class _RefusesDuplicates(_Acknowledged):
    def hear(self, message: Ask) -> Iterable[Ask]:
        if message.ack.checkpoint_seq in self.acks:
            return (source_pb2.ReadRequest(ack=source_pb2.ReadAck(checkpoint_seq=_NEVER_EMITTED)),)
        return (message,)


class _OverhearsDecreasing(_Acknowledged):
    def hear(self, message: Ask) -> Iterable[Ask]:
        return () if message.ack.checkpoint_seq < max(self.acks, default=0) else (message,)


class _OverhearsUnknown(_Acknowledged):
    def hear(self, message: Ask) -> Iterable[Ask]:
        return () if message.ack.checkpoint_seq > self.emitted else (message,)


class _WantsEachAcknowledged(_Acknowledged):
    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        partly = self.finished and 0 < len(set(self.acks)) < self.emitted and self.emitted in self.acks
        if ending[0] is grpc.StatusCode.OK and partly:
            return (), (grpc.StatusCode.ABORTED, "some checkpoints were not acknowledged", ())
        return (), ending


class _WantsSomethingAcknowledged(_Acknowledged):
    """Fails an incremental read of which nothing was acknowledged."""

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        unheard = self.finished and self.emitted and not self.acks
        if ending[0] is grpc.StatusCode.OK and unheard and self.incremental:
            return (), (grpc.StatusCode.ABORTED, "nothing was acknowledged", ())
        return (), ending


class _WaitsForEachAcknowledgement(_Acknowledged):
    """Emits nothing of an incremental read while a checkpoint is not acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self._heard = asyncio.Event()

    def hear(self, message: Ask) -> Iterable[Ask]:
        self._heard.set()
        return (message,)

    async def response(self, raw: bytes) -> Iterable[bytes]:
        while self.incremental and self.emitted > max(self.acks, default=0):
            self._heard.clear()
            await self._heard.wait()
        return await super().response(raw)


class _EndsAtOnce(_Acknowledged):
    """Ends an incremental read when it has finished, without waiting for the last acknowledgement."""

    def answer(self, message: Say) -> Iterable[Say]:
        said = super().answer(message)
        self.over = self.finished and self.incremental
        return said


class _CompletesWhenDrained(OnRead):
    def __init__(self) -> None:
        super().__init__()
        self._drained = False

    def ask(self, message: Ask) -> Iterable[Ask]:
        self._drained = self._drained or message.HasField("drain")
        return (message,)

    def answer(self, message: Say) -> Iterable[Say]:
        if self._drained and message.HasField("status") and message.status.state == INCOMPLETE:
            message.status.state = COMPLETE
        return (message,)


def _keeps_states_in_memory() -> Begin:
    states: dict[bytes, bytes] = {}

    class _LooksUp(OnRead):
        def ask(self, message: Ask) -> Iterable[Ask]:
            for stream in message.open.streams if message.HasField("open") else ():
                stream.state = states.get(stream.state, stream.state)
            return (message,)

        def answer(self, message: Say) -> Iterable[Say]:
            if message.HasField("checkpoint") and message.checkpoint.state:
                key = b"state " + secrets.token_hex(16).encode()
                states[key], message.checkpoint.state = message.checkpoint.state, key
            return (message,)

    return during_reads(_LooksUp)


def _agrees_and_forgets(method: str) -> Relayed:
    """Agree on a small limit of states, and let the source know nothing of it."""

    class _Agreed(Relayed):
        def __init__(self) -> None:
            self._offered = 0

        async def request(self, raw: bytes) -> Iterable[bytes]:
            message = connector_pb2.HandshakeRequest.FromString(raw)
            self._offered = message.limits.max_state_bytes
            message.limits.max_state_bytes = 0
            return (message.SerializeToString(),)

        async def response(self, raw: bytes) -> Iterable[bytes]:
            message = connector_pb2.HandshakeResponse.FromString(raw)
            own = message.limits.max_state_bytes
            message.limits.max_state_bytes = min(own, self._offered or own)
            return (message.SerializeToString(),)

    return _Agreed() if method == "Handshake" else Relayed()


def _starts_over_from_garbage(opening: source_pb2.ReadOpen) -> None:
    for stream in opening.streams:
        if not stream.state.startswith(b"towpath:"):
            stream.state = b""


def _knows_every_version(opening: source_pb2.ReadOpen) -> None:
    for stream in opening.streams:
        stream.state_version = min(stream.state_version, _KNOWN_VERSION)


def _declares_nothing(_: connector_pb2.SpecRequest, spec: connector_pb2.SpecResponse) -> connector_pb2.SpecResponse:
    spec.source.needs_acks = False
    return spec


_relays: tuple[tuple[str, str, Callable[[], OnRead], float], ...] = (
    ("state.duplicate-acks", "refuses what it has heard before", _RefusesDuplicates, 10),
    ("state.decreasing-ack", "overhears decreasing acknowledgements", _OverhearsDecreasing, 10),
    ("state.unknown-ack", "overhears unknown acknowledgements", _OverhearsUnknown, 10),
    ("state.final-ack", "wants each checkpoint acknowledged", _WantsEachAcknowledged, 10),
    ("state.half-close-without-acks", "wants something acknowledged", _WantsSomethingAcknowledged, 10),
    ("state.emits-without-acks", "waits for each acknowledgement", _WaitsForEachAcknowledgement, 10),
    ("state.waits-for-last-ack", "ends at once", _EndsAtOnce, 10),
    ("state.drain", "completes when it is drained", _CompletesWhenDrained, 10),
)
for _check, _name, _relay, _seconds in _relays:
    mutant(_check, "source", _name, begin=during_reads(_relay), case={"patience.call_seconds": _seconds})

mutant("state.in-another-process", "source", "keeps states in memory", begins=_keeps_states_in_memory)
mutant("state.size", "source", "agrees on a limit and forgets it", begin=_agrees_and_forgets)
mutant("state.corrupt", "source", "starts over from garbage", begin=opens(_starts_over_from_garbage))
mutant("state.future-version", "source", "knows every version", begin=opens(_knows_every_version))
mutant(
    "state.wants-acks",
    "source",
    "does not declare what it wants",
    begin=answers("Spec", connector_pb2.SpecRequest, connector_pb2.SpecResponse, _declares_nothing),
)
