"""Upserts and deletes: what a job delivers is merged into the files that a stream has, by primary key.

Base files that hold none of the delivered keys stay as they are, unless they are small; the others are written anew
without them. Rows pass through, batch by batch.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute
from towpath_sdk import Conflict, StreamName
from towpath_sdk.files import ParquetFormat, extension

from towpath_destination_local.changes import OP, POSITION, Changes, NumberedFile, batches_of, numbered_files
from towpath_destination_local.config import LocalConfig
from towpath_destination_local.disk import sync_folder
from towpath_destination_local.files import EndedFile, FileInTheMaking, RollingFiles
from towpath_destination_local.keys import check_key_types
from towpath_destination_local.layout import STAGED, Layout, stream_token
from towpath_destination_local.manifest import VisibleFile
from towpath_destination_local.partials import folded
from towpath_destination_local.receipt import StagedFile

__all__ = ["Merge", "Merged", "check_mergeable"]

pc: Any = compute

_SMALL = 8  # a file of less than this part of a full one is written anew, so that small files do not gather


@dataclass(frozen=True)
class Merged:
    """The files of the stream afterwards, and how to get there: files of the write to rename, others to remove."""

    files: Sequence[VisibleFile]
    moves: Sequence[tuple[Path, Path]]
    remove: Sequence[Path]


@dataclass
class Merge:
    """One merge. New files are left in the write's folder, durable."""

    config: LocalConfig
    layout: Layout
    stream: StreamName
    token: str
    key: tuple[str, ...]
    _outputs: dict[int, RollingFiles] = field(default_factory=dict[int, RollingFiles])

    def run(self, held: Sequence[VisibleFile], staged: Sequence[StagedFile]) -> Merged:
        """Merge staged files into what the stream holds."""
        # Files that are not known to be unique by this key are merged like delivered ones, and before them.
        base = [file for file in held if file.key == self.key]
        others = [file for file in held if file.key != self.key]
        delivered = numbered_files(
            [(_exact(self.layout, self.stream, file), file.generation) for file in others]
            + [(self._staging / file.name, file.generation) for file in staged]
        )
        paths = [_exact(self.layout, self.stream, file) for file in base]
        schemas = [file.schema for file in (*delivered, *numbered_files([(path, 0) for path in paths]))]
        check_key_types(self.stream, self.key, schemas)
        changes = Changes.of(delivered, paths, self.key, self._staging)
        try:
            return self._written(base, others, delivered, changes)
        finally:
            for rolling in self._outputs.values():
                rolling.discard()

    def _written(
        self,
        base: Sequence[VisibleFile],
        others: Sequence[VisibleFile],
        delivered: Sequence[NumberedFile],
        changes: Changes,
    ) -> Merged:
        paths = [_exact(self.layout, self.stream, file) for file in base]
        kept: list[VisibleFile] = []
        replaced: list[VisibleFile] = [*others]
        for file, path, gone in zip(base, paths, changes.gone, strict=True):
            if not pc.any(gone).as_py() and file.bytes >= self.config.target_file_bytes // _SMALL:
                kept.append(file)
                continue
            replaced.append(file)
            self._copy(path, pc.invert(gone), file.generation)
        for file, stays in zip(delivered, changes.stays, strict=True):
            self._copy(file.path, stays, file.generation)
        for partials in changes.partials:
            rows = folded(self.stream, partials, delivered, [] if changes.emptied else paths, self.key)
            for batch in rows.to_batches():
                self._output(delivered[-1].generation).write(batch)
        return self._merged(kept, replaced)

    @property
    def _staging(self) -> Path:
        return self.layout.writes / self.token

    def _copy(self, path: Path, wanted: Any, generation: int) -> None:
        """Write the rows of a file whose bits are set."""
        first = 0
        for batch in batches_of(path):
            rows = batch.filter(wanted.slice(first, batch.num_rows))
            first += batch.num_rows
            if rows.num_rows:
                self._output(generation).write(_without_reserved(rows))

    def _output(self, generation: int) -> RollingFiles:
        if generation not in self._outputs:
            numbers = count(1)
            prefix = f"{self.token}-{stream_token(self.stream)}-{generation:06d}"
            form = self.config.format if isinstance(self.config.format, ParquetFormat) else ParquetFormat()
            self._outputs[generation] = RollingFiles(
                folder=self._staging,
                stream=self.stream,
                form=form,
                target_file_bytes=self.config.target_file_bytes,
                next_name=lambda: f"{prefix}-{next(numbers):05d}.parquet{STAGED}",
            )
        return self._outputs[generation]

    def _merged(self, kept: Sequence[VisibleFile], replaced: Sequence[VisibleFile]) -> Merged:
        files, moves, left = [*kept], list[tuple[Path, Path]](), [*replaced]
        for generation, rolling in self._outputs.items():
            rolling.end()
            for ended in rolling.take():
                shown, moved = self._shown(ended, generation, left)
                files.append(shown)
                moves += moved
        sync_folder(self._staging)
        remove = [self.layout.stream(self.stream) / file.name for file in left]
        remove += [self.layout.base(self.stream, file.name) for file in left if file.has_base]
        return Merged(files, moves, remove)

    def _shown(
        self, ended: EndedFile, generation: int, left: list[VisibleFile]
    ) -> tuple[VisibleFile, list[tuple[Path, Path]]]:
        """Decide where a new file becomes visible.

        It takes the place of one that it replaces, so that no reader of a small stream ever sees both, or neither.
        """
        form = self.config.format
        suffix = f".{extension(form)}"
        place = next((file for file in left if file.name.endswith(suffix)), None)
        name = place.name if place is not None else ended.name.removesuffix(f".parquet{STAGED}") + suffix
        if place is not None:
            left.remove(place)
        visible, parquet = self.layout.stream(self.stream) / name, self._staging / ended.name
        if isinstance(form, ParquetFormat):
            return self._entry(name, generation, ended, has_base=False), [(parquet, visible)]
        text = self._as_text(parquet)
        return self._entry(name, generation, text, has_base=True), [
            (parquet, self.layout.base(self.stream, name)),
            (self._staging / text.name, visible),
        ]

    def _entry(self, name: str, generation: int, file: EndedFile, *, has_base: bool) -> VisibleFile:
        return VisibleFile(
            name=name, generation=generation, rows=file.rows, bytes=file.bytes, key=self.key, has_base=has_base
        )

    def _as_text(self, parquet: Path) -> EndedFile:
        """Write the rows of a Parquet file in the form that readers see."""
        path = parquet.with_name(f"{parquet.name.removesuffix(STAGED)}.{extension(self.config.format)}{STAGED}")
        text: FileInTheMaking | None = None
        for batch in batches_of(parquet):
            text = text or FileInTheMaking(path, self.stream, self.config.format, batch.schema)
            text.write(batch)
        assert text is not None  # a file begins with its first row
        return text.end()


def check_mergeable(
    layout: Layout, stream: StreamName, key: Sequence[str], held: Sequence[VisibleFile], schema: pa.Schema
) -> None:
    """Raise Conflict when rows of a schema cannot be merged into what a stream holds; only a refresh helps then."""
    files = numbered_files([(_exact(layout, stream, file), file.generation) for file in held])
    check_key_types(stream, key, [*(file.schema for file in files), schema])


def _exact(layout: Layout, stream: StreamName, file: VisibleFile) -> Path:
    """Return the Parquet file with the rows of a visible one. Raises Conflict when there is none."""
    if file.has_base:
        return layout.base(stream, file.name)
    if file.name.endswith(".parquet"):
        return layout.stream(stream) / file.name
    raise Conflict(
        f"{stream} holds {file.name}, which was appended as text and cannot be merged; refresh the stream",
        reason="NOT_MERGEABLE",
    )


def _without_reserved(rows: Any) -> Any:
    return rows.drop_columns([name for name in (OP, POSITION) if name in rows.schema.names])
