"""The steps of a check: what this destination needs to do in the bucket, each tried with a probe object."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from towpath_sdk import Probe
from towpath_sdk.errors import Misconfigured

from towpath_destination_s3.config import S3Config
from towpath_destination_s3.store import Store

__all__ = ["probes"]

_ATTEMPTS = 2  # a person waits for the answer
_CONTENT = b"Towpath looks whether it can write here. This object can be deleted.\n"


def probes(config: S3Config) -> Iterable[Probe]:
    """Yield the probes. Nothing stays behind, except when deleting is what fails."""
    with Store(config, _ATTEMPTS) as store:
        key = store.below("_towpath", "probes", uuid.uuid4().hex)
        yield Probe("bucket", lambda: _list(store))
        yield Probe("write", lambda: store.put(key, _CONTENT))
        yield Probe("read", lambda: _read(store, key), essential=False)
        yield Probe("multipart", lambda: _stage(store, f"{key}-upload"), essential=False)
        yield Probe("delete", lambda: store.delete([key]), essential=False)


def _list(store: Store) -> None:
    for _ in store.keys(store.below("_towpath", "probes"), limit=1):
        return


def _read(store: Store, key: str) -> None:
    found = store.get(key)
    if found is None or found[0] != _CONTENT:
        raise Misconfigured(
            "the probe object reads differently from what was written; is there a cache or another store in between?",
            reason="PROBE_CHANGED",
        )


def _stage(store: Store, key: str) -> None:
    upload = store.begin(key, uuid.uuid4().hex)
    try:
        store.upload_part(upload, 1, _CONTENT)
        store.unfinished(key.rsplit("/", 1)[-1])
    finally:
        store.discard(upload.key, upload.upload_id)
