# ruff: noqa: ARG002 - the signatures are the SDK's
"""Acknowledgements: what the author hears of them, which are refused, and what becomes of those that never come."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import cast

import pyarrow as pa
import pytest
from sdk_blocking import THINGS, eventually
from sdk_yielding import Yielding
from towpath.connector.v1 import source_pb2
from towpath_sdk import (
    Bug,
    Checkpoint,
    Config,
    Context,
    Misconfigured,
    ReadMode,
    ReadStream,
    Record,
    Source,
    Stream,
    StreamName,
    Unavailable,
)
from towpath_sdk._serve.acks import AckLedger
from towpath_sdk.testing import ReadSession, connector_under_test


class Slot(Source[Config]):
    """A source that holds something upstream until it is acknowledged."""

    needs_acks = True

    def __init__(self, checkpoints: int = 5, fail_at: int | None = None) -> None:
        self._checkpoints = checkpoints
        self._fail_at = fail_at
        self.heard: list[tuple[str, int]] = []
        """Stream and number of each acknowledgement."""
        self.go_on = threading.Event()
        """Set to let the first acknowledgement return."""
        self.go_on.set()

    def discover(self, config: Config) -> Iterator[Stream]:
        """One stream."""
        yield Stream("things", {"n": pa.int64()})

    def read(self, config: Config, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Yield a row and a checkpoint, several times."""
        for n in range(1, self._checkpoints + 1):
            yield pa.record_batch({"n": [n]})
            yield Checkpoint({"n": n})

    def acknowledge(self, config: Config, stream: ReadStream, checkpoint: Checkpoint) -> None:
        """Note it."""
        n = number_of(checkpoint)
        self.heard.append((stream.name.name, n))
        self.go_on.wait(20)
        if n == self._fail_at:
            raise Unavailable("the slot could not be advanced", reason="SLOT_BUSY")


def number_of(checkpoint: Checkpoint) -> int:
    """Return the number in a state."""
    return int(str(cast("Mapping[str, object]", checkpoint.state)["n"]))


def read_all(session: ReadSession) -> None:
    """Receive up to ReadFinished."""
    for _ in session:
        pass


def test_author_hears_of_checkpoints_in_their_order() -> None:
    """A slot that was advanced must never be asked to go back."""
    slot = Slot()
    with connector_under_test(slot) as connector:
        session = connector.open_read({}, THINGS)
        for response in session:
            if response.WhichOneof("message") == "checkpoint":
                session.ack(response.checkpoint.checkpoint_seq)
        session.half_close()
        assert session.receive() is None
    numbers = [n for _, n in slot.heard]
    assert session.wants_acks
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 5


def test_acknowledgement_covers_all_before_it() -> None:
    """Acknowledgements are cumulative: of many that wait, only the last one of each stream is passed on."""
    slot = Slot(100)
    slot.go_on.clear()
    with connector_under_test(slot) as connector:
        session = connector.open_read({}, THINGS)
        read_all(session)
        session.ack(1)
        eventually(lambda: slot.heard == [("things", 1)])
        for seq in range(2, 101):
            session.ack(seq)
        connector.spec()
        session.half_close()
        slot.go_on.set()
        assert session.receive() is None
    assert slot.heard == [("things", 1), ("things", 100)]


def test_acknowledgement_of_several_streams_reaches_each() -> None:
    """One number covers the checkpoints of every stream of the read."""
    slot = Slot(2)
    streams = [ReadStream(StreamName("", name), ReadMode.INCREMENTAL) for name in ("a", "b", "c")]
    with connector_under_test(slot) as connector:
        session = connector.open_read({}, *streams)
        read_all(session)
        session.ack(5)  # both of a, both of b, the first of c
        session.half_close()
        assert session.receive() is None
    assert sorted(slot.heard) == [("a", 2), ("b", 2), ("c", 1)]


def test_nothing_is_acknowledged_that_was_not() -> None:
    """A slot advanced beyond what is durable loses the rows between."""
    slot = Slot()
    with connector_under_test(slot) as connector:
        session = connector.open_read({}, THINGS)
        read_all(session)
        session.ack(3)
        session.half_close()
        assert session.receive() is None
    assert slot.heard == [("things", 3)]


def test_repeated_acknowledgement_is_harmless() -> None:
    """A broker repeats itself after a reconnect to its server."""
    slot = Slot()
    with connector_under_test(slot) as connector:
        session = connector.open_read({}, THINGS)
        read_all(session)
        for seq in (2, 2, 2, 5, 5):
            session.ack(seq)
        session.half_close()
        assert session.receive() is None
    assert slot.heard[-1] == ("things", 5)
    assert len(slot.heard) == len(set(slot.heard))


def test_last_acknowledgement_may_come_once_more() -> None:
    """It is the one that a broker cannot know to have arrived; the call is still there to take it again."""
    slot = Slot()
    with connector_under_test(slot) as connector:
        session = connector.open_read({}, THINGS)
        read_all(session)
        session.ack(5)
        time.sleep(0.1)  # a call that ended with the acknowledgement would have ended by now
        session.ack(5)
        session.half_close()
        assert session.receive() is None
    assert slot.heard == [("things", 5)]


@pytest.mark.parametrize(("acks", "words"), [([6], "6"), ([3, 2], "2"), ([2**63], str(2**63))])
def test_acknowledgement_that_cannot_be_is_invalid(acks: list[int], words: str) -> None:
    """A broker that lost count must stop before a slot is advanced by its error."""
    slot = Slot()
    with connector_under_test(slot) as connector:
        session = connector.open_read({}, THINGS)
        read_all(session)
        for seq in acks:
            session.ack(seq)
        with pytest.raises(Misconfigured) as refused:
            session.receive()
        assert connector.spec().connector_version == "0.1.0"
    assert refused.value.reason == "INVALID_ACK"
    assert words in refused.value.message
    assert all(n <= 3 for _, n in slot.heard)


def test_call_stays_open_until_the_last_acknowledgement() -> None:
    """A source that went away before it would leave its slot where it was."""
    slot = Slot()
    with connector_under_test(slot) as connector:
        session = connector.open_read({}, THINGS)
        read_all(session)
        session.ack(4)
        with pytest.raises(Unavailable) as waiting:
            session.receive(0.3)
        assert waiting.value.reason == "TIMEOUT"
    assert slot.heard == [("things", 4)]


def test_author_who_fails_to_acknowledge_fails_the_call() -> None:
    """A slot that is not advanced fills the disk of the database; it must not pass unseen."""
    slot = Slot(fail_at=5)
    with connector_under_test(slot) as connector:
        session = connector.open_read({}, THINGS)
        read_all(session)
        session.ack(5)
        with pytest.raises(Unavailable) as failed:
            session.receive()
    assert failed.value.reason == "SLOT_BUSY"


def test_acknowledgements_are_heard_while_the_read_goes_on() -> None:
    """A log is read for days; it must be forgotten bit by bit."""
    slot = Slot(3)
    held = threading.Event()

    class Held(Slot):
        def read(self, config: Config, stream: ReadStream, context: Context) -> Iterator[Record]:
            yield Checkpoint({"n": 1})
            held.wait(20)
            yield Checkpoint({"n": 2})

    slot = Held()
    with connector_under_test(slot) as connector:
        session = connector.open_read({}, THINGS)
        while session.last_checkpoint_seq < 1:
            session.receive()
        session.ack(1)
        eventually(lambda: slot.heard == [("things", 1)])
        held.set()
        read_all(session)
        session.ack(2)
        session.half_close()
        assert session.receive() is None
    assert slot.heard == [("things", 1), ("things", 2)]


def test_withheld_acknowledgements_are_remembered_within_bounds() -> None:
    """A broker that commits once an hour must not cost the source a state for each of a million checkpoints."""
    ledger = AckLedger(keep_checkpoints=True)
    state = b"x" * 10_000
    for seq in range(1, 50_001):
        ledger.sent(seq % 2, seq, Checkpoint(state), len(state))
    assert ledger.remembered_bytes <= 64 * 1024 * 1024
    heard: dict[int, list[Checkpoint]] = {0: [], 1: []}
    ledger.acknowledge(50_000)
    ledger.end()
    ledger.pass_on(lambda index, checkpoint: heard[index].append(checkpoint))
    assert {index: len(checkpoints) for index, checkpoints in heard.items()} == {0: 1, 1: 1}
    assert ledger.remembered_bytes == 0


@pytest.mark.parametrize("seq", [1, 17, 5_000, 9_999, 10_000])
def test_what_was_forgotten_is_never_acknowledged_too_early(seq: int) -> None:
    """It may be acknowledged later, with the next one; the last one is always there."""
    ledger = AckLedger(keep_checkpoints=True)
    for sent in range(1, 10_001):
        ledger.sent(0, sent, Checkpoint({"n": sent}), 20)
    heard: list[int] = []
    ledger.acknowledge(seq)
    ledger.end()
    ledger.pass_on(lambda _, checkpoint: heard.append(number_of(checkpoint)))
    assert [n for n in heard if not seq - 200 < n <= seq] == []
    assert seq < 10_000 or heard == [10_000]


@pytest.mark.parametrize("mode", [ReadMode.INCREMENTAL, ReadMode.CHANGES])
def test_rows_without_a_checkpoint_at_the_end_are_a_bug(mode: ReadMode) -> None:
    """The next run would start over, and double them."""
    source = Yielding(lambda _stream, _context: [{"n": 1}, Checkpoint({"n": 1}), {"n": 2}])
    with connector_under_test(source) as connector:
        result = connector.read({}, "things", mode, may_fail=True)
    assert isinstance(result.failure, Bug)
    assert "end with a Checkpoint" in result.failure.message


def test_source_that_wants_to_hear_declares_it() -> None:
    """The platform decides by the declaration whether a slow destination fills the remote system's disk."""

    class Hearing(Slot):
        needs_acks = False

    with connector_under_test(Hearing()) as connector:
        session = connector.open_read({}, THINGS)
        assert session.receive() is not None
        assert (session.wants_acks, connector.spec().source.needs_acks) == (True, True)


def test_snapshot_without_checkpoints_gets_one_at_its_end() -> None:
    """A snapshot that cannot be resumed is complete all the same, and its rows are counted."""
    with connector_under_test(Yielding(lambda _stream, _context: [{"n": 1}, {"n": 2}])) as connector:
        result = connector.read({}, "things")
    (checkpoint,) = result.checkpoints
    assert (checkpoint.rows, checkpoint.state, checkpoint.encoded) == (2, None, b"")
    assert result.complete


@pytest.mark.parametrize(
    "state",
    [{}, {"lsn": "0/16B3748", "n": 2**70}, {"nested": {"list": [1, None, "x"]}}, b"", b"\0\xff", b"towpath:json:{}"],
)
def test_state_comes_back_as_it_was(state: Mapping[str, object] | bytes) -> None:
    """What a checkpoint carries is what the next read is opened with: mapping for mapping, bytes for bytes."""
    given: list[object] = []

    def produce(stream: ReadStream, _context: Context) -> Iterator[Record]:
        given.append(stream.state)
        yield Checkpoint(state, version=7)

    with connector_under_test(Yielding(produce)) as connector:
        first = connector.read({}, "things", ReadMode.INCREMENTAL)
        connector.read({}, "things", ReadMode.INCREMENTAL, state=first.state)
    assert first.state == (state or first.state)
    assert first.checkpoints[-1].version == 7
    assert given[0] is None
    assert given[1] == (state if state != b"" else None)


@pytest.mark.parametrize("state", [{"when": object()}, {"n": float("nan")}, b"x" * (16 * 1024 * 1024 + 1)])
def test_state_that_cannot_be_stored_is_a_bug(state: Mapping[str, object] | bytes) -> None:
    """It must fail where it is made, not at the next run."""
    with connector_under_test(Yielding(lambda _stream, _context: [Checkpoint(state)])) as connector:
        result = connector.read({}, "things", may_fail=True)
    assert isinstance(result.failure, Bug)
    assert "state" in result.failure.message


@pytest.mark.parametrize("message", [source_pb2.ReadRequest(), source_pb2.ReadRequest(open=source_pb2.ReadOpen())])
def test_request_out_of_order_is_refused_and_the_process_lives(message: source_pb2.ReadRequest) -> None:
    """A broker with a bug must hear of it, and must not take the connector down."""
    slot = Slot()
    with connector_under_test(slot) as connector:
        session = connector.open_read({}, THINGS)
        session.send(message.SerializeToString())
        with pytest.raises(Misconfigured) as refused:
            list(iter(session.receive, None))
        assert connector.spec().connector_version == "0.1.0"
    assert refused.value.reason == "PROTOCOL_VIOLATION"


@pytest.mark.parametrize("garbage", [b"\xff" * 40, b"\x0a\xff\xff\xff\x7f", b"\x12\x02\x08"])
def test_garbage_is_refused_and_the_process_lives(garbage: bytes) -> None:
    """Bytes that are no message are the caller's fault, whatever the connector is doing."""
    slot = Slot()
    with connector_under_test(slot) as connector:
        for opened in (False, True):
            call = connector.raw_read()
            if opened:
                opening = source_pb2.ReadOpen(config_json="{}", streams=[_wire_stream()])
                call.send(source_pb2.ReadRequest(open=opening).SerializeToString())
            call.send(garbage)
            with pytest.raises(Misconfigured) as refused:
                list(iter(call.receive, None))
            assert refused.value.reason == "PROTOCOL_VIOLATION"
        assert connector.spec().connector_version == "0.1.0"


def _wire_stream() -> source_pb2.ReadStream:
    stream = source_pb2.ReadStream(mode=2)  # pyright: ignore[reportArgumentType]
    stream.name.name = "things"
    return stream
