"""Destinations that publish, abort and commit wrongly: subclasses of the good one."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from conformance_processes.wrapped import Wrapped
from towpath_destination_local.config import LocalConfig
from towpath_destination_local.destination import LocalDestination
from towpath_destination_local.layout import STAGED, Layout
from towpath_destination_local.receipt import read_receipts
from towpath_sdk import Batch, ColumnPlan, Committed, Context, OpenWrite, WriteMode, WriteStream
from towpath_sdk._serve.call_context import CallContext

from conformance_mutants.mutant import mutant


class _CommitsAtTheEnd(LocalDestination):
    """Takes the end of a Write for a commit, and publishes that too."""

    def __init__(self) -> None:
        self._receipts: dict[str, list[bytes]] = {}

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
        receipts = self._receipts

        class _Commits(Wrapped):
            _uncommitted, _failed = False, False
            _commit_seq = 0

            def write(self, batch: Batch) -> None:
                self._failed = True
                super().write(batch)
                self._uncommitted, self._failed = True, False

            def commit(self, commit_seq: int) -> Committed:
                self._uncommitted, self._commit_seq = False, commit_seq
                return super().commit(commit_seq)

            def close(self) -> None:
                if self._uncommitted and not self._failed and not context.cancelled:
                    receipts.setdefault(write.write_id, []).append(self.inner.commit(self._commit_seq + 1).receipt)
                super().close()

        return _Commits(super().open(config, write, context), write)

    def complete(
        self, config: LocalConfig, write_id: str, receipts: Sequence[bytes], completed_streams: Sequence[WriteStream]
    ) -> None:
        super().complete(config, write_id, [*receipts, *self._receipts.get(write_id, [])], completed_streams)


class _ShowsWhatIsStaged(LocalDestination):
    """Lets readers see committed rows at once; a write that ends takes them back, before it is completed or aborted."""

    _shown: ClassVar[dict[str, list[Path]]] = {}
    """Of all instances: a write may be completed by another one."""

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
        shown = self._shown.setdefault(write.write_id, [])
        layout = Layout(config.path)

        class _Shows(Wrapped):
            def commit(self, commit_seq: int) -> Committed:
                committed = super().commit(commit_seq)
                for file in read_receipts([committed.receipt]):
                    folder = layout.stream(file.stream)
                    folder.mkdir(parents=True, exist_ok=True)
                    shown.append(folder / f"early-{file.name.removesuffix(STAGED)}")
                    shutil.copy(layout.write(write.write_id) / file.name, shown[-1])
                return committed

        return _Shows(super().open(config, write, context), write)

    def complete(
        self, config: LocalConfig, write_id: str, receipts: Sequence[bytes], completed_streams: Sequence[WriteStream]
    ) -> None:
        self._hide(write_id)
        super().complete(config, write_id, receipts, completed_streams)

    def abort(self, config: LocalConfig, write_id: str) -> None:
        self._hide(write_id)
        super().abort(config, write_id)

    def _hide(self, write_id: str) -> None:
        for path in self._shown.pop(write_id, []):
            path.unlink(missing_ok=True)


class _CreatesInADryRun(LocalDestination):
    """Puts a row into a stream that was only asked about."""

    def prepare(
        self,
        config: LocalConfig,
        write_id: str,
        streams: Sequence[WriteStream],
        schemas: Sequence[pa.Schema],
        *,
        dry_run: bool,
    ) -> Iterable[ColumnPlan]:
        plans = list(super().prepare(config, write_id, streams, schemas, dry_run=dry_run))
        if dry_run:
            write = OpenWrite(
                f"dry run of {write_id}", "writer", 1, [replace(stream, mode=WriteMode.APPEND) for stream in streams]
            )
            writer = self.open(config, write, CallContext())
            for index, schema in enumerate(schemas):
                row = [pa.nulls(1, field.type) for field in schema]
                writer.write(Batch(index, index + 1, pa.RecordBatch.from_arrays(row, schema=schema)))
            self.complete(config, write.write_id, [writer.commit(1).receipt], [])
            writer.close()
        return plans


class _AbortsTooMuch(LocalDestination):
    """Removes generations on AbortWrite: `below` says of a stream from which one on they may stay."""

    def __init__(self) -> None:
        self._streams: dict[str, Sequence[WriteStream]] = {}

    def below(self, stream: WriteStream) -> int:
        return stream.generation_id

    def abort(self, config: LocalConfig, write_id: str) -> None:
        super().abort(config, write_id)
        streams = [
            replace(stream, minimum_generation_id=self.below(stream)) for stream in self._streams.get(write_id, ())
        ]
        if streams:
            super().complete(config, f"the abort of {write_id}", [], streams)


class _AbortsTheGenerationBefore(_AbortsTooMuch):
    """Removes what the aborted write was to replace."""

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
        self._streams[write.write_id] = write.streams
        return super().open(config, write, context)


class _AbortsWhatIsPublished(_AbortsTooMuch):
    """Removes what the write has published before it was aborted."""

    def below(self, stream: WriteStream) -> int:
        return stream.generation_id + 1

    def complete(
        self, config: LocalConfig, write_id: str, receipts: Sequence[bytes], completed_streams: Sequence[WriteStream]
    ) -> None:
        super().complete(config, write_id, receipts, completed_streams)
        self._streams[write_id] = completed_streams


class _AbortsByStream(LocalDestination):
    """Discards what any write has staged of the streams that it aborts."""

    _writes: ClassVar[dict[str, set[str]]] = {}

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> Any:
        for stream in write.streams:
            self._writes.setdefault(str(stream.name), set()).add(write.write_id)
        return super().open(config, write, context)

    def abort(self, config: LocalConfig, write_id: str) -> None:
        super().abort(config, write_id)
        for writes in self._writes.values():
            for other in writes if write_id in writes else ():
                super().abort(config, other)


for _check, _name, _part in (
    ("write.uncommitted", "commits at the end", _CommitsAtTheEnd),
    ("write.invisible-before-complete", "shows what is staged", _ShowsWhatIsStaged),
    ("write.prepare-dry-run", "creates in a dry run", _CreatesInADryRun),
    ("write.abort-keeps-old-generation", "aborts the generation before", _AbortsTheGenerationBefore),
    ("write.other-writes", "aborts by stream", _AbortsByStream),
    ("write.abort-after-complete", "aborts what is published", _AbortsWhatIsPublished),
):
    mutant(_check, "destination", _name, part=_part)
