# ruff: noqa: ARG002 - the signatures are the SDK's
"""A source whose `read` yields what a test hands it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
from towpath_sdk import Config, Context, ReadMode, ReadStream, Record, Source, Stream
from towpath_sdk.testing import ReadResult, connector_under_test

__all__ = ["STREAM", "Yielding", "read_of"]

STREAM = "things"


class Yielding(Source[Config]):
    """Offers one stream, `things`."""

    state_version = 7

    def __init__(
        self, produce: Callable[[ReadStream, Context], Iterable[Record]], schema: pa.Schema | None = None
    ) -> None:
        self._produce = produce
        self._schema = schema or pa.schema([("n", pa.int64())])

    def discover(self, config: Config) -> Iterator[Stream]:
        """One stream with the schema that was given."""
        yield Stream(STREAM, self._schema)

    def read(self, config: Config, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Yield what the test wants."""
        yield from self._produce(stream, context)


def read_of(
    records: Iterable[Record],
    *,
    schema: pa.Schema | None = None,
    mode: ReadMode = ReadMode.SNAPSHOT,
    columns: Iterable[str] = (),
    batch_bytes: int = 64 * 1024,
    may_fail: bool = False,
) -> ReadResult:
    """Serve a source that yields these records, and read it to its end over a socket."""
    with connector_under_test(
        Yielding(lambda _stream, _context: records, schema), batch_bytes=batch_bytes
    ) as connector:
        return connector.read({}, STREAM, mode, columns=tuple(columns), may_fail=may_fail)
