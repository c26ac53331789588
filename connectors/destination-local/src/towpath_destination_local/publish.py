"""The end of a write: exactly what its receipts name appears, everything else of it goes away.

Stream by stream, a publication is decided by replacing the stream's manifest, and then carried out: staged files are
renamed to visible names, replaced files are removed. The manifest says what is left to do, so a publication that was
interrupted anywhere is finished by running it again, or by the next one of the stream.
"""

from __future__ import annotations

import shutil
import uuid
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from towpath_sdk import StreamName, WriteStream
from towpath_sdk.errors import Bug

from towpath_destination_local.config import LocalConfig
from towpath_destination_local.disk import make_folder, sync_folder, translated, unlink_all
from towpath_destination_local.layout import STAGED, Layout, write_token
from towpath_destination_local.locks import locked, shared
from towpath_destination_local.manifest import Manifest, Pending, VisibleFile, read_manifest, write_manifest
from towpath_destination_local.merge import merge
from towpath_destination_local.receipt import StagedFile, read_receipts

__all__ = ["abort", "complete"]


def complete(config: LocalConfig, write_id: str, receipts: Sequence[bytes], completed: Sequence[WriteStream]) -> None:
    """Publish a write. `completed` are the streams whose older generations go away. Idempotent."""
    layout = Layout(config.path)
    by_stream: dict[StreamName, list[StagedFile]] = defaultdict(list)
    for file in read_receipts(receipts):
        by_stream[file.stream].append(file)
    minimums = {stream.name: stream.minimum_generation_id for stream in completed}
    with translated(f"publishing to {config.path}"), shared(layout.lock):
        for name in dict.fromkeys([*by_stream, *minimums]):
            with locked(_lock_of(layout.manifest(name))):
                _publish(config, layout, name, write_token(write_id), by_stream[name], minimums.get(name, 0))
        _discard(layout, write_id)


def abort(config: LocalConfig, write_id: str) -> None:
    """Discard everything that a write staged, also what no receipt names. Idempotent.

    A stream whose publication was decided and not carried out is published first: readers may have seen a part of it.
    """
    layout = Layout(config.path)
    with translated(f"discarding in {config.path}"):
        if not layout.write(write_id).exists():
            return
        with shared(layout.lock):
            for path in layout.manifests.glob("*/*.json"):
                pending = read_manifest(path).pending
                if pending is not None and pending.write == write_token(write_id):
                    with locked(_lock_of(path)):
                        _settle(layout, path)
            _discard(layout, write_id)


def _publish(
    config: LocalConfig, layout: Layout, name: StreamName, token: str, staged: Sequence[StagedFile], minimum: int
) -> None:
    """Publish one stream, whose lock is held."""
    path = layout.manifest(name)
    manifest = _settle(layout, path)
    if token in manifest.writes:
        return
    for file in staged:
        if not (layout.writes / token / file.name).exists():
            raise Bug(
                f"{file.rows} committed rows of {name} are gone: {file.name} was removed before it was published; "
                "run a refresh",
                reason="STAGED_FILE_LOST",
            )
    kept = [file for file in manifest.files if file.generation >= minimum]
    outdated = [file.name for file in manifest.files if file.generation < minimum]
    if any(file.key is not None for file in staged):
        merged = merge(config, layout, name, token, kept, staged)
        files, moves, remove = merged.files, merged.moves, merged.remove
    else:
        added = [VisibleFile(_visible(file.name), file.generation, file.rows, file.bytes) for file in staged]
        files, moves, remove = [*kept, *added], [(file.name, _visible(file.name)) for file in staged], []
    write_manifest(path, manifest.published(token, files, Pending(token, name, moves, [*remove, *outdated])))
    _settle(layout, path)


def _settle(layout: Layout, path: Path) -> Manifest:
    """Carry out what is decided and not done yet, and return the manifest. The stream's lock is held."""
    manifest = read_manifest(path)
    pending = manifest.pending
    if pending is None:
        return manifest
    staging, folder = layout.writes / pending.write, layout.stream(pending.stream)
    make_folder(folder)
    for staged, visible in pending.moves:
        if (staging / staged).exists():
            (staging / staged).replace(folder / visible)
    sync_folder(folder)
    unlink_all(folder / visible for visible in pending.remove)
    sync_folder(folder)
    settled = manifest.settled()
    write_manifest(path, settled)
    return settled


def _discard(layout: Layout, write_id: str) -> None:
    """Delete a write's folder: first its name, so that no writer finds its fence again, then the content."""
    layout.trash.mkdir(exist_ok=True)
    try:
        layout.write(write_id).rename(layout.trash / uuid.uuid4().hex)
    except FileNotFoundError:
        pass
    else:
        sync_folder(layout.writes)
    for leftover in layout.trash.iterdir():
        shutil.rmtree(leftover, ignore_errors=True)


def _visible(staged: str) -> str:
    return staged.removesuffix(STAGED)


def _lock_of(manifest: Path) -> Path:
    return manifest.with_suffix(".lock")
