"""The end of a write: exactly what its receipts name appears, everything else of it goes away.

Every step may be repeated, so a publication that was interrupted anywhere is finished by running it again:

1. manifests say which objects will be there;
2. the uploads that receipts name are completed;
3. of streams that were replaced, the objects of older generations are deleted, then their manifests;
4. other uploads of this write are aborted, and its fences removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from towpath_sdk import StreamName, WriteStream

from towpath_destination_s3.fence import fences_of
from towpath_destination_s3.manifest import manifests_of, objects_of, write_manifest
from towpath_destination_s3.receipt import StagedFile, read_receipts
from towpath_destination_s3.store import Store
from towpath_destination_s3.template import write_token

__all__ = ["abort", "complete"]

_THREADS = 16
_POLL_SECONDS = 0.2  # a thread that waits wakes up this often, so that it can be interrupted
T = TypeVar("T")


def complete(store: Store, write_id: str, receipts: Sequence[bytes], completed: Sequence[WriteStream]) -> None:
    """Publish a write. `completed` are the streams whose older generations go away. Idempotent."""
    files = read_receipts(receipts)
    by_generation: dict[tuple[StreamName, int], list[StagedFile]] = defaultdict(list)
    for file in files:
        by_generation[file.stream, file.generation].append(file)
    _at_once(lambda item: write_manifest(store, write_id, *item[0], item[1]), by_generation.items())
    _at_once(lambda file: store.publish(file.upload, file.parts), files)
    _at_once(lambda stream: _remove_older(store, stream), completed)
    _clean_up(store, write_id)


def abort(store: Store, write_id: str) -> None:
    """Discard everything that a write staged, also what no receipt names. Idempotent."""
    _clean_up(store, write_id)


def _remove_older(store: Store, stream: WriteStream) -> None:
    if stream.minimum_generation_id < 1:
        return
    for manifest in list(manifests_of(store, stream.name)):
        if manifest.generation < stream.minimum_generation_id:
            store.delete(objects_of(store, manifest))
            store.delete([manifest.key])


def _clean_up(store: Store, write_id: str) -> None:
    _at_once(lambda upload: store.discard(*upload), store.unfinished(write_token(write_id)))
    store.delete(list(store.keys(fences_of(store, write_id))))


def _at_once(act: Callable[[T], object], items: Iterable[T]) -> None:
    """Act on all items with a few threads; after the first failure begin no other, and raise it."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="publish") as pool:
        waiting = {pool.submit(act, item) for item in items}
        try:
            while waiting:
                done, waiting = wait(waiting, _POLL_SECONDS, FIRST_EXCEPTION)
                for outcome in done:
                    outcome.result()
        finally:
            pool.shutdown(cancel_futures=True)
