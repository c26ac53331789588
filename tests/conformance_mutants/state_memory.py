"""A source that keeps whatever it has emitted for as long as the call lasts."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from towpath_sdk import Context, ReadStream, Record
from towpath_source_faker import FakerConfig, FakerSource

from conformance_mutants.mutant import mutant

__all__ = ["KeepsWhatIsEmitted"]

_COPIES = 2


class KeepsWhatIsEmitted(FakerSource):
    """As one would who means to send it again."""

    def read(self, config: FakerConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Keep each batch, and its bytes as they were sent."""
        kept: list[object] = []
        for record in super().read(config, stream, context):
            if isinstance(record, pa.RecordBatch):
                kept += [record.serialize().to_pybytes() for _ in range(_COPIES)]
            kept.append(record)
            yield record


mutant(
    "state.withheld-acks-memory",
    "source",
    "keeps what it has emitted",
    command="keeps-what-is-emitted",
    case={"patience.memory_mib": 320, "patience.slow_reader_seconds": 4},
)
