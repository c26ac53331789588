"""States that come back: whole, damaged, of nobody's making, or of a version that is not known yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from sdk_yielding import STREAM, Yielding
from towpath.connector.v1 import source_pb2, types_pb2
from towpath_sdk import Bug, Checkpoint, Context, PositionLost, ReadMode, ReadStream, Record
from towpath_sdk.testing import ConnectorUnderTest, ReadSession, connector_under_test

STATES = [{"end": 30, "file": "a.log"}, b"\x00\x1e", b"towpath:json:{}"]


class Counting(Yielding):
    """An author who trusts the state that comes back."""

    state_version = 2

    def __init__(self, state: Mapping[str, object] | bytes) -> None:
        super().__init__(self._count)
        self._state = state
        self.begun: list[object] = []

    def _count(self, stream: ReadStream, _: Context) -> Iterator[Record]:
        self.begun.append(stream.state)
        yield {"n": 1}
        yield Checkpoint(self._state, version=2)


def opened(connector: ConnectorUnderTest, *states: tuple[bytes, int]) -> ReadSession:
    """Read the stream once for each state, all in one call, to the end."""
    opening = source_pb2.ReadOpen(config_json="{}", attempt=1)
    for state, version in states:
        wire = opening.streams.add(mode=types_pb2.READ_MODE_INCREMENTAL, state=state, state_version=version)
        wire.name.name = STREAM
    session = ReadSession(connector.raw_read(), opening)
    for _ in session:
        pass
    session.half_close()
    assert session.receive() is None
    return session


def damages(encoded: bytes) -> Iterator[bytes]:
    """Every flipped bit, every cut, and something behind the end."""
    for bit in range(8 * len(encoded)):
        flipped = bytearray(encoded)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)
    yield from (encoded[:length] for length in range(1, len(encoded)))
    yield encoded + b"}"


@pytest.mark.parametrize("state", STATES)
def test_damaged_state_never_reaches_the_author(state: Mapping[str, object] | bytes) -> None:
    """An author who trusts it would read on from a wrong place, and lose rows in silence."""
    source = Counting(state)
    with connector_under_test(source) as connector:
        encoded = connector.read({}, STREAM, ReadMode.INCREMENTAL).checkpoints[-1].encoded
        source.begun.clear()
        spoilt = list(damages(encoded))
        session = opened(connector, *((each, 2) for each in spoilt))
    assert source.begun == []
    failures = [result.failure for result in session.results]
    assert len(failures) == len(spoilt)
    assert all(isinstance(failure, PositionLost) and failure.needs_reset for failure in failures), failures


@pytest.mark.parametrize("garbage", [b"\xff" * 61, b"{}", b"30", b"towpath:", b"towpath:json:{}"])
def test_state_that_the_sdk_did_not_write_is_refused(garbage: bytes) -> None:
    """It belongs to another connector, or to none."""
    source = Counting({"end": 30})
    with connector_under_test(source) as connector:
        (result,) = opened(connector, (garbage, 2)).results
    assert isinstance(result.failure, PositionLost)
    assert source.begun == []


def test_state_of_a_later_version_is_refused() -> None:
    """After a downgrade the same words may mean something else."""
    source = Counting({"end": 30})
    with connector_under_test(source) as connector:
        encoded = connector.read({}, STREAM, ReadMode.INCREMENTAL).checkpoints[-1].encoded
        source.begun.clear()
        older, same, later = opened(connector, (encoded, 1), (encoded, 2), (encoded, 3)).results
    assert isinstance(later.failure, PositionLost)
    assert (older.complete, same.complete) == (True, True)
    assert source.begun == [{"end": 30}, {"end": 30}]


def test_checkpoint_of_a_version_that_is_not_declared_is_a_bug() -> None:
    """The next read would refuse it; its author must hear of that before it is stored."""

    def produce(_stream: ReadStream, _context: Context) -> Iterator[Record]:
        yield Checkpoint({"end": 30}, version=8)

    with connector_under_test(Yielding(produce)) as connector:
        result = connector.read({}, STREAM, ReadMode.INCREMENTAL, may_fail=True)
    assert isinstance(result.failure, Bug)
    assert "state_version" in result.failure.message
