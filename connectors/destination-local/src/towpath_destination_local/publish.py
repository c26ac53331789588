"""The end of a write: exactly what its receipts name appears, everything else of it goes away.

Stream by stream, a publication is decided by replacing the stream's manifest, and then carried out: staged files are
renamed to visible names, replaced files are removed. The manifest says what is left to do, so a publication that was
interrupted anywhere is finished by running it again, or by the next one of the stream.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from towpath_sdk import StreamName, WriteStream
from towpath_sdk.errors import Bug

from towpath_destination_local.config import LocalConfig
from towpath_destination_local.disk import make_folder, sync_folder, translated
from towpath_destination_local.layout import STAGED, Layout, write_token
from towpath_destination_local.locks import locked, shared
from towpath_destination_local.manifest import Manifest, Pending, VisibleFile, read_manifest, write_manifest
from towpath_destination_local.merge import Merge, Merged
from towpath_destination_local.receipt import StagedFile, read_receipts

__all__ = ["abort", "complete"]


def complete(config: LocalConfig, write_id: str, receipts: Sequence[bytes], completed: Sequence[WriteStream]) -> None:
    """Publish a write. `completed` are the streams whose older generations go away. Idempotent."""
    layout, token = Layout(config.path), write_token(write_id)
    by_stream: dict[StreamName, list[StagedFile]] = defaultdict(list)
    for file in read_receipts(receipts):
        by_stream[file.stream].append(file)
    minimums = {stream.name: stream.minimum_generation_id for stream in completed}
    with translated(f"publishing to {config.path}"), shared(layout.lock):
        for name in dict.fromkeys([*by_stream, *minimums]):
            with locked(_lock_of(layout.manifest(name))):
                _publish(config, layout, name, token, by_stream[name], minimums.get(name, 0))
        _discard(layout, write_id)


def abort(config: LocalConfig, write_id: str) -> None:
    """Discard everything that a write staged, also what no receipt names. Idempotent.

    A stream whose publication was decided and not carried out is published first: readers may have seen a part of it.
    """
    layout, token = Layout(config.path), write_token(write_id)
    with translated(f"discarding in {config.path}"):
        if not layout.write(write_id).exists():
            return
        with shared(layout.lock):
            for path in layout.manifests.glob("*/*.json"):
                pending = read_manifest(path).pending
                if pending is not None and pending.write == token:
                    with locked(_lock_of(path)):
                        _settle(layout, path)
            _discard(layout, write_id)


def _publish(
    config: LocalConfig, layout: Layout, name: StreamName, token: str, staged: Sequence[StagedFile], minimum: int
) -> None:
    """Publish one stream, whose lock is held."""
    path = layout.manifest(name)
    manifest = _settle(layout, path)
    publication = _publication(token, staged)
    if publication in manifest.published:
        return
    for file in staged:
        if not (layout.writes / token / file.name).exists():
            raise Bug(
                f"{file.rows} committed rows of {name} are gone: somebody removed {file.name} before it was "
                "published; refresh the stream",
                reason="STAGED_FILE_LOST",
            )
    kept = [file for file in manifest.files if file.generation >= minimum]
    outdated = [file for file in manifest.files if file.generation < minimum]
    keys = {file.key for file in staged if file.key is not None}
    if keys:
        outcome = Merge(config, layout, name, token, keys.pop()).run(kept, staged)
    else:
        outcome = _appended(layout, name, token, kept, staged)
    remove = [*outcome.remove, *(layout.stream(name) / file.name for file in outdated)]
    remove += [layout.base(name, file.name) for file in outdated if file.has_base]
    pending = Pending(
        write=token,
        moves=tuple((_below(layout, here), _below(layout, there)) for here, there in outcome.moves),
        remove=tuple(_below(layout, file) for file in remove),
    )
    write_manifest(path, manifest.decided(publication, outcome.files, pending))
    _settle(layout, path)


def _appended(
    layout: Layout, name: StreamName, token: str, kept: Sequence[VisibleFile], staged: Sequence[StagedFile]
) -> Merged:
    """Let staged files appear beside those that are there."""
    added = [
        VisibleFile(name=file.name.removesuffix(STAGED), generation=file.generation, rows=file.rows, bytes=file.bytes)
        for file in staged
    ]
    moves = [
        (layout.writes / token / file.name, layout.stream(name) / file.name.removesuffix(STAGED)) for file in staged
    ]
    return Merged([*kept, *added], moves, [])


def _settle(layout: Layout, path: Path) -> Manifest:
    """Carry out what is decided and not done yet, and return the manifest. The stream's lock is held."""
    manifest = read_manifest(path)
    pending = manifest.pending
    if pending is None:
        return manifest
    moves = [(layout.root / here, layout.root / there) for here, there in pending.moves]
    remove = [layout.root / file for file in pending.remove]
    for here, there in moves:
        make_folder(there.parent)
        if here.exists():
            here.replace(there)
    _sync(there for _, there in moves)
    for file in remove:
        file.unlink(missing_ok=True)
    _sync(remove)
    settled = manifest.settled()
    write_manifest(path, settled)
    return settled


def _sync(files: Iterable[Path]) -> None:
    for folder in {file.parent for file in files}:
        if folder.is_dir():
            sync_folder(folder)


def _discard(layout: Layout, write_id: str) -> None:
    """Delete a write's folder: first its name, so that no writer finds its fence again, then the content."""
    make_folder(layout.trash)
    try:
        layout.write(write_id).rename(layout.trash / uuid.uuid4().hex)
    except FileNotFoundError:
        pass
    else:
        sync_folder(layout.writes)
    for leftover in layout.trash.iterdir():
        shutil.rmtree(leftover, ignore_errors=True)


def _publication(token: str, staged: Sequence[StagedFile]) -> str:
    """Name what is published: the same files of the same write, so that it is done once."""
    names = "\n".join(file.name for file in staged)
    return f"{token}-{hashlib.sha256(names.encode()).hexdigest()[:12]}"


def _below(layout: Layout, path: Path) -> str:
    return str(path.relative_to(layout.root))


def _lock_of(manifest: Path) -> Path:
    return manifest.with_suffix(".lock")
