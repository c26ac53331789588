# ruff: noqa: ARG002 - the signatures are the SDK's
"""The plainest source: numbers, as many and as wide as the configuration says."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from towpath_sdk import Checkpoint, Config, Context, ReadMode, ReadStream, Record, Source, Stream

__all__ = ["Numbers", "NumbersSource"]


class Numbers(Config):
    """How many numbers, and after how many each checkpoint."""

    count: int = 3
    checkpoint_every: int = 0


class NumbersSource(Source[Numbers]):
    """Counts: `{"n": 0}`, `{"n": 1}` and so on."""

    connector_id = "io.towpath.test.numbers"
    version = "1.2.3"
    title = "Numbers"

    def discover(self, config: Numbers) -> Iterator[Stream]:
        """One stream."""
        modes = (ReadMode.SNAPSHOT, ReadMode.INCREMENTAL)
        yield Stream("numbers", {"n": pa.int64()}, primary_key=["n"], read_modes=modes, estimated_rows=config.count)

    def read(self, config: Numbers, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Continue after the number of the state."""
        start = int(str(stream.state["next"])) if isinstance(stream.state, dict) else 0
        for n in range(start, config.count):
            yield {"n": n}
            if config.checkpoint_every and (n + 1) % config.checkpoint_every == 0:
                yield Checkpoint({"next": n + 1})
        yield Checkpoint({"next": config.count})
