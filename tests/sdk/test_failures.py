"""Every kind of failure crosses the socket: gRPC code, owner, retry, remedy; and nothing of it is lost or too large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn, cast

import grpc
import pyarrow as pa
import pytest
from google.rpc import error_details_pb2, status_pb2
from sdk_failing import SECRET, Failing, FailingDestination, FailingSource
from sdk_yielding import Yielding
from towpath.connector.v1 import source_pb2, types_pb2
from towpath_sdk import (
    BadRecord,
    Bug,
    Cancelled,
    Conflict,
    Denied,
    Fenced,
    Misconfigured,
    NotFound,
    PositionLost,
    ReadMode,
    ReadStream,
    StreamName,
    Throttled,
    TowpathError,
    Unavailable,
    WriteMode,
    WriteStream,
)
from towpath_sdk.errors import KINDS, Kind, Owner
from towpath_sdk.status import MAX_STATUS_BYTES, from_status, status_trailer, to_status
from towpath_sdk.testing import ConnectorUnderTest, connector_under_test

Code = grpc.StatusCode
STREAM = WriteStream(StreamName("", "things"), WriteMode.APPEND)


@dataclass(frozen=True)
class Row:
    """A row of the table of failures, as STYLE and the docs state it."""

    error: type[TowpathError]
    code: grpc.StatusCode
    retry: bool
    owner: Owner
    exit_code: int
    needs_reset: bool = False


TABLE = [
    Row(Misconfigured, Code.INVALID_ARGUMENT, retry=False, owner=Owner.USER, exit_code=3),
    Row(Denied, Code.PERMISSION_DENIED, retry=False, owner=Owner.USER, exit_code=4),
    Row(NotFound, Code.NOT_FOUND, retry=False, owner=Owner.USER, exit_code=5),
    Row(Conflict, Code.FAILED_PRECONDITION, retry=False, owner=Owner.USER, exit_code=6),
    Row(Unavailable, Code.UNAVAILABLE, retry=True, owner=Owner.REMOTE, exit_code=7),
    Row(Throttled, Code.RESOURCE_EXHAUSTED, retry=True, owner=Owner.REMOTE, exit_code=8),
    Row(PositionLost, Code.FAILED_PRECONDITION, retry=False, owner=Owner.USER, exit_code=9, needs_reset=True),
    Row(BadRecord, Code.DATA_LOSS, retry=False, owner=Owner.USER, exit_code=10),
    Row(Fenced, Code.ABORTED, retry=False, owner=Owner.PLATFORM, exit_code=11),
    Row(Cancelled, Code.CANCELLED, retry=False, owner=Owner.USER, exit_code=12),
    Row(Bug, Code.INTERNAL, retry=False, owner=Owner.CONNECTOR, exit_code=70),
]


def raising(error: BaseException) -> Callable[[Failing], NoReturn]:
    """Return a function that raises `error`."""

    def fail(_: Failing) -> NoReturn:
        raise error

    return fail


def check_probe(connector: ConnectorUnderTest) -> TowpathError:
    """Return the failure of the first probe."""
    (result,) = connector.check({})
    assert result.failure is not None
    return result.failure


def end_of_read(connector: ConnectorUnderTest) -> TowpathError:
    """Return the failure of a stream that was read."""
    result = connector.read({}, "things", may_fail=True)
    assert result.num_rows == 0  # the row before it is gathered, not yet a batch
    assert result.failure is not None
    return result.failure


def raised_by(call: Callable[[ConnectorUnderTest], object]) -> Callable[[ConnectorUnderTest], TowpathError]:
    """Return a function that returns what a call raises."""

    def look(connector: ConnectorUnderTest) -> TowpathError:
        with pytest.raises(TowpathError) as caught:
            call(connector)
        return caught.value

    return look


SOURCE_CALLS = {
    "check": check_probe,
    "discover": raised_by(lambda connector: connector.discover({})),
    "plan": raised_by(lambda connector: connector.plan({}, "things")),
    "read": end_of_read,
}
DESTINATION_CALLS = {
    "prepare": raised_by(lambda connector: connector.prepare({}, "w", [STREAM], [pa.schema([("n", pa.int64())])])),
    "open": raised_by(lambda connector: connector.write({}, [STREAM])),
    "complete": raised_by(lambda connector: connector.complete({}, "w", [b"r"])),
    "abort": raised_by(lambda connector: connector.abort({}, "w")),
}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.error.__name__)
def test_every_kind_of_failure_arrives_as_it_was_raised(row: Row) -> None:
    """Retries, exit codes and the words that a user reads all hang on the kind, whatever call it came from."""
    error = row.error(
        "table `orders` is not there; choose another",
        reason="NO_SUCH_TABLE",
        fields={"streams[0].name": "choose one of: a, b"},
        retry_after=timedelta(seconds=1.5),
    )
    rule = KINDS[row.error.kind]
    assert (rule.code, rule.retry, rule.owner, rule.exit_code) == (row.code, row.retry, row.owner, row.exit_code)
    arrived: dict[str, TowpathError] = {}
    with connector_under_test(FailingSource(raising(error)), FailingDestination(raising(error))) as connector:
        for name, call in {**SOURCE_CALLS, **DESTINATION_CALLS}.items():
            arrived[name] = call(connector)
    for name, failure in arrived.items():
        assert type(failure) is row.error, name
        assert failure.message == error.message, name
        assert failure.reason == "NO_SUCH_TABLE", name
        assert failure.fields == error.fields, name
        assert failure.retry_after == timedelta(seconds=1.5), name
        assert failure.owner is row.owner, name
        assert failure.needs_reset is row.needs_reset, name


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.error.__name__)
def test_any_client_can_read_the_status(row: Row) -> None:
    """A client in another language has the code and the standard details, and nothing else."""
    error = row.error(
        "what happened and what to do", fields={"port": "is not a number"}, retry_after=timedelta(seconds=2)
    )
    with (
        connector_under_test(FailingSource(raising(error))) as connector,
        grpc.insecure_channel(connector.address) as channel,
    ):
        method = channel.unary_unary("/towpath.connector.v1.SourceService/PlanRead")
        with pytest.raises(grpc.RpcError) as caught:
            method(source_pb2.PlanReadRequest(config_json="{}").SerializeToString(), timeout=10)
    call = cast("grpc.Call", caught.value)
    (trailer,) = [value for key, value in call.trailing_metadata() or () if key == "grpc-status-details-bin"]
    status = status_pb2.Status.FromString(trailer if isinstance(trailer, bytes) else trailer.encode())
    assert call.code() is row.code
    assert status.code == cast("tuple[int, str]", row.code.value)[0]
    assert call.details() == status.message == error.message
    info, failure, request, retry = (
        error_details_pb2.ErrorInfo(),
        types_pb2.FailureInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    for detail, message in zip(status.details, (info, failure, request, retry), strict=True):
        assert detail.Unpack(message)
    assert (info.reason, info.domain, info.metadata["kind"]) == (row.error.kind.name, "towpath", row.error.kind.value)
    assert (failure.owner, failure.needs_reset, failure.user_message) == (
        row.owner.value,
        row.needs_reset,
        error.message,
    )
    assert [(v.field, v.description) for v in request.field_violations] == [("port", "is not a number")]
    assert retry.retry_delay.ToTimedelta() == timedelta(seconds=2)


def test_table_has_every_kind() -> None:
    """A kind without a row would be untested, and perhaps retried for ever."""
    assert [row.error.kind for row in TABLE] == list(Kind) == list(KINDS)
    assert len({row.exit_code for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.value)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.error.__name__)
def test_reason_never_changes_the_kind(row: Row, kind: Kind) -> None:
    """An author may call the reason of an outage DENIED; it is to be retried nonetheless."""
    assert type(from_status(to_status(row.error("m", reason=kind.name)))) is row.error


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"cannot use {SECRET}"),
        KeyError(SECRET),
        SystemExit(SECRET),
        KeyboardInterrupt(),
        StopIteration(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("name", [*SOURCE_CALLS, *DESTINATION_CALLS])
def test_exception_unknown_to_the_sdk_is_a_bug_without_secrets(error: BaseException, name: str) -> None:
    """What a driver raises may quote the password; and no exception of an author's may end the process."""
    failing = raising(error)
    with connector_under_test(FailingSource(failing), FailingDestination(failing)) as connector:
        call = {**SOURCE_CALLS, **DESTINATION_CALLS}[name]
        config = {"password": SECRET}
        asking = _WithConfig(connector, config)
        failure = call(cast("ConnectorUnderTest", asking))
        assert connector.spec().connector_version == "0.1.0"
    assert type(failure) is Bug
    assert failure.reason == "UNEXPECTED_EXCEPTION"
    assert SECRET not in str(failure)
    if type(error) is not StopIteration or name not in {"discover", "read"}:  # a generator turns it into RuntimeError
        assert type(error).__name__ in failure.message


class _WithConfig:
    """Passes calls on with a configuration in the place of the empty one."""

    def __init__(self, connector: ConnectorUnderTest, config: dict[str, str]) -> None:
        self._connector = connector
        self._config = config

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._connector, name)
        return lambda _config, *args, **kwargs: method(self._config, *args, **kwargs)


def test_largest_failure_fits_into_a_trailer() -> None:
    """Of 12 kB trailers every other one arrived, from 17 kB none: the user would read RESOURCE_EXHAUSTED."""
    endless = "\N{SNOWMAN}" * 10_000
    error = Throttled(
        endless,
        reason="R" * 500,
        fields={f"streams[{i}].{endless}": endless for i in range(300)},
        retry_after=timedelta(days=10_000),
    )
    status = to_status(error, stream=StreamName(endless, endless))
    ((_, trailer),) = status_trailer(status)
    assert len(trailer) <= MAX_STATUS_BYTES == 4096
    failure = from_status(status)
    assert len(failure.message) > 500
    assert failure.fields["…"].startswith("and ")
    with connector_under_test(FailingSource(raising(error))) as connector:
        arrived = [call(connector) for call in SOURCE_CALLS.values()]
    assert [type(failure) for failure in arrived] == [Throttled] * len(SOURCE_CALLS)


def test_failure_of_one_stream_leaves_the_others_alone() -> None:
    """One table without a privilege must not stop a sync of a hundred others."""

    def produce(stream: ReadStream, _context: object) -> list[pa.RecordBatch]:
        if stream.name.name == "bad":
            raise Denied("role `app` lacks SELECT on bad; GRANT SELECT ON bad TO app", reason="MISSING_PRIVILEGE")
        return [pa.record_batch({"n": [1, 2]})]

    names = ["a", "bad", "c"]
    with connector_under_test(Yielding(produce)) as connector:
        session = connector.open_read({}, *(ReadStream(StreamName("", name), ReadMode.SNAPSHOT) for name in names))
        for response in session:
            if response.WhichOneof("message") == "checkpoint":
                session.ack(response.checkpoint.checkpoint_seq)
    assert [result.num_rows for result in session.results] == [2, 0, 2]
    assert [result.complete for result in session.results] == [True, False, True]
    failure = session.results[1].failure
    assert isinstance(failure, Denied)
    assert failure.reason == "MISSING_PRIVILEGE"
    status = session.results[1].statuses[-1].failure
    info = types_pb2.FailureInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.stream.name == "bad"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (Code.UNAVAILABLE, Unavailable),
        (Code.DEADLINE_EXCEEDED, Unavailable),
        (Code.INTERNAL, Bug),
        (Code.UNKNOWN, Bug),
        (Code.UNAUTHENTICATED, Denied),
        (Code.UNIMPLEMENTED, Misconfigured),
        (Code.ABORTED, Conflict),
    ],
)
def test_status_of_another_implementation_is_judged_by_its_code(
    code: grpc.StatusCode, error: type[TowpathError]
) -> None:
    """A connector in Go need not know our details to be retried rightly."""
    status = status_pb2.Status(code=cast("tuple[int, str]", code.value)[0], message="gone")
    assert type(from_status(status)) is error
    assert from_status(status).message == "gone"


def test_fence_of_another_implementation_is_a_fence() -> None:
    """The protocol gives it code and reason; were it a conflict, the attempt that was replaced would fail the job."""
    status = status_pb2.Status(code=cast("tuple[int, str]", Code.ABORTED.value)[0], message="epoch 2 has taken over")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="FENCED", domain="com.example.destination"))
    assert type(from_status(status)) is Fenced
