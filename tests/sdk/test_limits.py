# ruff: noqa: ARG002 - the signatures are the SDK's
"""What both sides agreed to send at most, nobody exceeds."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pyarrow as pa
from sdk_yielding import STREAM, Yielding
from towpath.connector.v1 import connector_pb2, connector_pb2_grpc
from towpath_sdk import Config, Context, ReadStream, Record, Source, Stream
from towpath_sdk.testing import connector_under_test

KIB = 1024
LIMIT = 64 * KIB


def test_message_limit_bounds_batches_of_a_caller_without_a_batch_limit() -> None:
    """A caller that cannot take a larger message would lose the whole call, not only the batch."""
    rows = pa.record_batch({"n": range(100_000)})

    def produce(_stream: ReadStream, _context: Context) -> Iterator[Record]:
        yield rows

    with connector_under_test(Yielding(produce)) as connector:
        connector.handshake(connector_pb2.Limits(max_message_bytes=LIMIT))
        result = connector.read({}, STREAM)
    assert result.num_rows == rows.num_rows
    assert max(message.ByteSize() for message in result.messages) <= LIMIT


def test_row_that_exceeds_the_message_limit_fails_its_stream() -> None:
    """No row is ever skipped for its size."""

    def produce(_stream: ReadStream, _context: Context) -> Iterator[Record]:
        yield pa.record_batch({"n": [1], "text": ["x" * LIMIT]})

    schema = pa.schema([("n", pa.int64()), ("text", pa.string())])
    with connector_under_test(Yielding(produce, schema)) as connector:
        connector.handshake(connector_pb2.Limits(max_message_bytes=LIMIT))
        result = connector.read({}, STREAM, may_fail=True)
    assert result.failure is not None
    assert result.failure.reason == "ROW_TOO_LARGE"


def test_pages_of_the_catalogue_keep_to_the_message_limit() -> None:
    """A catalogue of any size must reach a caller who takes small messages only."""
    limits = connector_pb2.Limits(max_message_bytes=LIMIT)
    with connector_under_test(ManyStreams()) as connector:
        connector.handshake(limits)
        with grpc.insecure_channel(connector.address) as channel:
            stub = connector_pb2_grpc.ConnectorServiceStub(channel)
            pages = list(stub.Discover(connector_pb2.DiscoverRequest(config_json="{}"), timeout=10))
    assert sum(len(page.streams) for page in pages) == ManyStreams.count
    assert max(page.ByteSize() for page in pages) <= LIMIT


class ManyStreams(Source[Config]):
    """A catalogue of more than one message."""

    count = 1000

    def discover(self, config: Config) -> Iterator[Stream]:
        """Streams with some columns each."""
        for number in range(self.count):
            yield Stream(f"stream {number}", {f"column {n}": pa.string() for n in range(20)})
