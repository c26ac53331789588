"""Tables of keys, divided by ranges of keys and laid down in files, so that one range at a time is in memory."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of columns open.
from __future__ import annotations

import contextlib
import uuid
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute

from towpath_destination_local.layout import STAGED

__all__ = ["Shards", "cuts_of", "sharded"]

pc: Any = compute

_SAMPLES_PER_RANGE = 256

Shards = Sequence[Iterable[Any]]
"""Tables by range; each can be gone through once."""


def cuts_of(samples: Iterable[Any], rows: int, rows_per_range: int) -> list[str]:
    """Return where to cut so that each range has about so many of all rows; `samples` are arrays of their keys."""
    count = -(-rows // rows_per_range)
    if count <= 1:
        return []
    every = max(1, rows_per_range // _SAMPLES_PER_RANGE)
    sample: list[str] = []
    for keys in samples:
        sample += keys.take(pa.array(range(0, len(keys), every))).to_pylist()
    sample.sort(key=str.encode)  # as Arrow compares texts
    return sorted({sample[index * len(sample) // count] for index in range(1, count)}, key=str.encode)


@contextlib.contextmanager
def sharded(tables: Iterable[Any], cuts: Sequence[str], folder: Path) -> Generator[Shards]:
    """Divide tables by their column `key` into the ranges between cuts; a single range stays where it is.

    The files lie in `folder` for as long as the `with` block lasts.
    """
    if not cuts:
        yield [tables]
        return
    paths = [folder / f"keys-{uuid.uuid4().hex}{STAGED}" for _ in range(len(cuts) + 1)]
    try:
        _lay_down(tables, cuts, paths)
        yield [_read(path) for path in paths]
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def _lay_down(tables: Iterable[Any], cuts: Sequence[str], paths: Sequence[Path]) -> None:
    with contextlib.ExitStack() as stack:
        writers: list[Any] = []
        for table in tables:
            if not writers:
                sinks = [stack.enter_context(pa.OSFile(str(path), "wb")) for path in paths]
                writers = [stack.enter_context(pa.ipc.new_stream(sink, table.schema)) for sink in sinks]
            for writer, part in zip(writers, _divided(table, cuts), strict=True):
                if part.num_rows:
                    writer.write_table(part)


def _divided(table: Any, cuts: Sequence[str]) -> Iterator[Any]:
    """Yield the rows of each range, cut after cut from what is left."""
    for cut in cuts:
        below = pc.less(table.column("key"), cut)
        yield table.filter(below)
        table = table.filter(pc.invert(below))
    yield table


def _read(path: Path) -> Iterator[Any]:
    if not path.exists():
        return
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])
