# ruff: noqa: ARG002 - what an author may need, a default does not
"""What the author of a source writes: one class with plain synchronous methods.

    class Numbers(Config):
        count: int = 1000

    class NumbersSource(Source[Numbers]):
        def discover(self, config):
            yield Stream("numbers", {"n": pa.int64()}, primary_key=["n"])

        def read(self, config, stream, context):
            yield from ({"n": n} for n in range(config.count))

    serve(NumbersSource())

Everything else (the gRPC server, slicing into batches, checksums, schema ids, statuses, cancellation, redaction) is the
SDK's. Each call runs in a thread of its own; a source keeps no state between calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar

import pyarrow as pa

from towpath_sdk.catalog import ReadStream, Split, Stream
from towpath_sdk.check import Probe
from towpath_sdk.config import Config

if TYPE_CHECKING:
    from towpath_sdk.context import Context

__all__ = ["Checkpoint", "Record", "Source"]

ConfigT = TypeVar("ConfigT", bound=Config)


@dataclass(frozen=True)
class Checkpoint:
    """A point from which `read` can continue: everything yielded before it is covered by `state`.

    A mapping is stored as JSON; bytes are stored as they are. Either comes back unharmed or not at all. `version` grows
    when the author changes the encoding, and `Source.state_version` with it.
    """

    state: Mapping[str, object] | bytes
    version: int = 1


Record: TypeAlias = "pa.RecordBatch | pa.Table | Mapping[str, object] | Checkpoint | Stream"
"""What `read` yields: Arrow data of any size (the SDK slices it), single rows as mappings, and checkpoints.

A `Stream` announces the schema and primary key of what follows. It is never required: Arrow data bring their schema,
and for rows, or when nothing is yielded at all, the SDK looks the stream up in `discover`. Yield it first where that
look-up is expensive, or where the primary key of Arrow data has to be known, and again where the schema of rows
changes.
"""


class Source(Generic[ConfigT]):
    """A source. Subclass it with a `Config` as the parameter: its JSON Schema is the spec."""

    connector_id: ClassVar[str] = ""
    """Reverse-DNS identifier; by default derived from the class's module and name."""
    version: ClassVar[str] = "0.1.0"
    """Semantic version of the connector."""
    title: ClassVar[str] = ""
    """Name for people."""
    documentation_url: ClassVar[str] = ""
    splits: ClassVar[bool] = False
    """`plan` may return more than one split per stream."""
    needs_acks: ClassVar[bool] = False
    """Upstream resources are held until `acknowledge`; having one says so too."""
    deterministic_replay: ClassVar[bool] = False
    """Equal state over unchanged data yields the same rows in the same order."""
    state_version: ClassVar[int] = 1
    """Highest `Checkpoint.version` that `read` can continue from; the SDK refuses states of later ones."""

    def check(self, config: ConfigT) -> Iterable[Probe]:
        """Yield named probes in order; the SDK runs each and stops at the first that fails and is marked `essential`.

        By default there is one probe, "discover", which reads the first stream of the catalogue.
        """
        yield Probe("discover", lambda: _first(self.discover(config)))

    def discover(self, config: ConfigT) -> Iterable[Stream]:
        """Yield every stream, in stable order."""
        raise NotImplementedError

    def plan(
        self,
        config: ConfigT,
        streams: Sequence[ReadStream],
        target_splits: int,
    ) -> Iterable[Split]:
        """Yield splits; by default one per stream."""
        for index, stream in enumerate(streams):
            yield Split(split_id=f"{index}-{stream.name}", token=b"", stream=index)

    def read(self, config: ConfigT, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Yield the rows of one stream and, wherever a continuation is possible, checkpoints.

        The end of the generator completes the stream. If rows follow the last checkpoint of a snapshot, the SDK adds
        one without state; in the other modes that is a Bug, because the next read would start over. Raise a
        `TowpathError` to fail this stream without failing others. When asked to drain, the SDK stops at the next
        checkpoint, if the author does not before.
        """
        raise NotImplementedError

    def acknowledge(self, config: ConfigT, stream: ReadStream, checkpoint: Checkpoint) -> None:
        """Let the remote system forget what `checkpoint` covers; called only once data and state are durable."""


def _first(streams: Iterable[Stream]) -> None:
    for _ in streams:
        return
