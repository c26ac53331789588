"""The source: four questions, each answered by a file of its own.

Where a row comes from: `timeline.py` says which rows there are and in which order, `dice.py` makes their values, and
`shop.py`, `types.py` and `oddities.py` name the columns. When it may be forgotten: `ledger.py` notes what was
acknowledged. From where a read continues: `state.py`. What goes wrong, and when: `reading.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, cast

from towpath_sdk import Checkpoint, Context, Probe, ReadMode, ReadStream, Record, Source, Split, Stream

from towpath_source_faker.catalog import find_table, tables
from towpath_source_faker.config import FakerConfig
from towpath_source_faker.ledger import Ledger
from towpath_source_faker.reading import begin, snapshot_parts, timeline_of
from towpath_source_faker.remote import login, probes, today

__all__ = ["FakerSource"]


class FakerSource(Source[FakerConfig]):
    """Rows that follow from a seed."""

    connector_id: ClassVar[str] = "io.towpath.source-faker"
    version: ClassVar[str] = "0.1.0"
    title: ClassVar[str] = "Faker"
    splits: ClassVar[bool] = True
    needs_acks: ClassVar[bool] = True
    deterministic_replay: ClassVar[bool] = True

    def check(self, config: FakerConfig) -> Iterable[Probe]:
        """Try network, key, clock and ledger, in this order."""
        return probes(config)

    def discover(self, config: FakerConfig) -> Iterator[Stream]:
        """Yield every stream, as of today."""
        login(config)
        day = today(config)
        return (table.stream(timeline_of(config, table, day).rows) for table in tables(config))

    def plan(self, config: FakerConfig, streams: Sequence[ReadStream], target_splits: int) -> Iterator[Split]:
        """Yield ranges of rows for snapshots, and the whole for incremental reads."""
        login(config)
        for index, stream in enumerate(streams):
            reading = begin(config, find_table(config, stream.name), stream)
            if stream.mode is not ReadMode.SNAPSHOT:
                yield Split(f"{index}-{stream.name}", b"", stream=index)
                continue
            for part in snapshot_parts(reading, target_splits):
                yield Split(f"{index}-{stream.name}-{part.first}-{part.end}", part.token(), stream=index)

    def read(self, config: FakerConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Yield the rows of one stream from where it was left, and checkpoints between them."""
        login(config)
        reading = begin(config, find_table(config, stream.name), stream)
        yield reading.declared  # before anything is made, so that an empty stream has a schema
        yield from reading.records(context)

    def acknowledge(self, config: FakerConfig, stream: ReadStream, checkpoint: Checkpoint) -> None:
        """Note in the ledger what may be forgotten."""
        if config.ledger is not None:
            reading = begin(config, find_table(config, stream.name), stream)
            state = cast("dict[str, int]", checkpoint.state)
            Ledger(config.ledger).release(reading.name, state["next"])
