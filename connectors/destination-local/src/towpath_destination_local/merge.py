"""Upserts and deletes: what a job delivers is merged into the files that a stream has, by primary key.

Of several rows with one key the last one counts, in the order of commits, batches and rows. Files that hold none of the
delivered keys stay as they are; others are written anew without them. Only keys are held in memory, those that the job
delivers: rows pass through, batch by batch.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute
from towpath_sdk import StreamName

from towpath_destination_local.config import LocalConfig
from towpath_destination_local.disk import sync_folder
from towpath_destination_local.files import RollingFiles
from towpath_destination_local.keys import key_values
from towpath_destination_local.layout import STAGED, Layout
from towpath_destination_local.manifest import VisibleFile
from towpath_destination_local.receipt import StagedFile

__all__ = ["Merged", "merge"]

pc: Any = compute
_OP, _POSITION = "_towpath_op", "_towpath_position"
_UPSERT, _PARTIAL, _DELETE, _TRUNCATE = 1, 2, 3, 4
_BATCH_ROWS = 1 << 16


@dataclass(frozen=True)
class Merged:
    """The files of the stream afterwards, and what it takes: staged files to rename, visible ones to remove."""

    files: Sequence[VisibleFile]
    moves: Sequence[tuple[str, str]]
    remove: Sequence[str]


@dataclass(frozen=True)
class _Delivered:
    """A file of rows that are merged in; `first` is the number of its first row in the order of delivery."""

    path: Path
    generation: int
    first: int
    rows: int


def merge(
    config: LocalConfig,
    layout: Layout,
    name: StreamName,
    token: str,
    base: Sequence[VisibleFile],
    staged: Sequence[StagedFile],
) -> Merged:
    """Merge staged files into `base`. New files are left in the write's folder, durable."""
    key = next(file.key for file in staged if file.key is not None)
    folder, staging = layout.stream(name), layout.writes / token
    # Files that are not known to be unique by this key are merged like delivered ones, before these.
    unique = [file for file in base if file.key == key]
    others = [file for file in base if file.key != key]
    delivered = list(
        _numbered(
            [(folder / f.name, f.generation) for f in others] + [(staging / f.name, f.generation) for f in staged]
        )
    )
    winners, known, emptied = _winners(delivered, key)
    part = count(1)
    outputs: dict[int, RollingFiles] = {}

    def output(generation: int) -> RollingFiles:
        if generation not in outputs:
            outputs[generation] = RollingFiles(
                staging,
                name,
                config.format,
                config.target_file_bytes,
                lambda: f"{token}-merged-{layout.manifest(name).stem[1:]}-{next(part):05d}.parquet{STAGED}",
            )
        return outputs[generation]

    kept: list[VisibleFile] = []
    remove = [file.name for file in others]
    for file in unique:
        if not emptied and not _touched(folder / file.name, key, known):
            kept.append(file)
            continue
        remove.append(file.name)
        if not emptied:
            for batch in _batches(folder / file.name):
                rest = batch.filter(pc.invert(pc.is_in(key_values(batch, key), value_set=known)))
                if rest.num_rows:
                    output(file.generation).write(rest)
    for file in delivered:
        first = file.first
        for batch in _batches(file.path):
            chosen = winners.filter(pc.and_(pc.greater_equal(winners, first), pc.less(winners, first + batch.num_rows)))
            rows = batch.take(pc.subtract(chosen, first)).drop_columns(
                [column for column in (_OP, _POSITION) if column in batch.schema.names]
            )
            if rows.num_rows:
                output(file.generation).write(rows)
            first += batch.num_rows
    moves: list[tuple[str, str]] = []
    files: list[VisibleFile] = list(kept)
    for generation, rolling in outputs.items():
        rolling.end()
        for ended in rolling.take():
            # A file that takes the place of another one does so at once, for readers too.
            visible = remove.pop(0) if remove else ended.name.removesuffix(STAGED)
            moves.append((ended.name, visible))
            files.append(VisibleFile(visible, generation, ended.rows, ended.bytes, key))
    sync_folder(staging)
    return Merged(files, moves, remove)


def _numbered(files: Sequence[tuple[Path, int]]) -> Iterator[_Delivered]:
    first = 0
    for path, generation in files:
        rows = pq.ParquetFile(path).metadata.num_rows
        yield _Delivered(path, generation, first, rows)
        first += rows


def _winners(delivered: Sequence[_Delivered], key: Sequence[str]) -> tuple[Any, Any, bool]:
    """Return the numbers of the rows that stay, ascending; all keys delivered; and whether a truncate came."""
    keys: list[Any] = []
    ops: list[Any] = []
    for file in delivered:
        opened = pq.ParquetFile(file.path)
        has_op = _OP in opened.schema_arrow.names
        for batch in opened.iter_batches(_BATCH_ROWS, columns=[*key, *([_OP] if has_op else [])]):
            keys.append(key_values(batch, key))
            ops.append(batch.column(_OP) if has_op else pa.repeat(pa.scalar(_UPSERT, pa.uint8()), batch.num_rows))
    key_column, op = pa.chunked_array(keys, pa.large_string()), pa.chunked_array(ops, pa.uint8())
    table = pa.table({"key": key_column, "op": op, "row": pa.array(range(len(op)), pa.int64())})
    last_truncate = pc.max(table.filter(pc.equal(op, _TRUNCATE)).column("row")).as_py()
    if last_truncate is not None:
        table = table.slice(last_truncate + 1)
    last = table.group_by("key").aggregate([("row", "max")])
    rows = last.column("row_max").combine_chunks().sort()
    stays = pc.not_equal(op.combine_chunks().take(rows), _DELETE)
    return rows.filter(stays), last.column("key").combine_chunks(), last_truncate is not None


def _touched(path: Path, key: Sequence[str], known: Any) -> bool:
    batches = pq.ParquetFile(path).iter_batches(_BATCH_ROWS, columns=list(key))
    return any(pc.any(pc.is_in(key_values(batch, key), value_set=known)).as_py() for batch in batches)


def _batches(path: Path) -> Iterator[Any]:
    return pq.ParquetFile(path).iter_batches(_BATCH_ROWS)
