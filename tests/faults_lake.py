"""The bucket of the fault tests: what is visible, what manifests promise, and whether the two are the same."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from destination_s3_steps import content, unfinished
from faults_rows import COLUMNS, OVERWRITTEN, SCHEMA, STREAMS, Rows

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

__all__ = ["Lake"]

_OWN, _MANIFESTS = "/_towpath/", "/_towpath/manifests/"
_UNIQUE = "version"

Objects = dict[str, str]
"""ETags by key."""

Promise = tuple[str, frozenset[str]]
"""A stream, and keys of objects that belong to it."""


@dataclass
class Lake:
    """One bucket. It remembers what it has read, so that a round reads only what is new: objects never change."""

    client: S3Client
    bucket: str
    _compared: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    _promises: dict[tuple[str, str], Promise] = field(default_factory=dict[tuple[str, str], Promise])
    """Manifests by key and ETag, so that one that was replaced is read again."""

    def look(self) -> Objects:
        """List the bucket, for one `orphans` and one `check`."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {item.get("Key", ""): item.get("ETag", "") for page in pages for item in page.get("Contents", [])}

    def check(self, objects: Objects, due: dict[str, Rows]) -> None:
        """Compare what the last run added with what was due, row by row, and what was there before by its keys."""
        present = self._present(objects)
        for stream in STREAMS:
            before = set() if stream == OVERWRITTEN else self._compared.get(stream, set())
            assert before - present[stream] == set(), f"{stream}: objects of earlier runs are gone"
            found = self._rows(present[stream] - before)
            assert_same(stream, due[stream], found)
        self._compared = present

    def orphans(self, objects: Objects) -> list[str]:
        """Return what nobody needs any more, in words: unfinished uploads, unnamed objects, fences."""
        visible = {key for key in objects if _OWN not in key}
        promised = {key for _, keys in self._manifests(objects) for key in keys}
        return [
            *(f"unfinished upload {key}" for key in unfinished(self.client, self.bucket)),
            *(f"object {key} is in no manifest" for key in sorted(visible - promised)),
            *(f"a manifest names {key}, which is not there" for key in sorted(promised - visible)),
            *(f"{key} was not removed" for key in objects if _OWN in key and _MANIFESTS not in key),
        ]

    def _present(self, objects: Objects) -> dict[str, set[str]]:
        """Return the keys that manifests name, by stream."""
        present: dict[str, set[str]] = {stream: set() for stream in STREAMS}
        for stream, keys in self._manifests(objects):
            present[stream] |= keys
        return present

    def _manifests(self, objects: Objects) -> list[Promise]:
        there = [(key, tag) for key, tag in objects.items() if _MANIFESTS in key]
        self._promises = {one: self._promises.get(one) or self._promise(one[0]) for one in there}
        return list(self._promises.values())

    def _promise(self, key: str) -> Promise:
        manifest: dict[str, Any] = json.loads(content(self.client, self.bucket, key))
        stream = unquote(key.rsplit("/", 2)[1].removeprefix("="))
        return stream, frozenset(item["key"] for item in manifest["objects"])

    def _rows(self, keys: set[str]) -> Rows:
        tables = [pq.read_table(io.BytesIO(content(self.client, self.bucket, key))) for key in sorted(keys)]
        return pa.concat_tables(tables).select(list(COLUMNS)) if tables else SCHEMA.empty_table()


def assert_same(stream: str, due: Rows, found: Rows) -> None:
    """Fail with examples when rows are lost or doubled."""
    if due.sort_by(_UNIQUE).columns == found.sort_by(_UNIQUE).columns:  # making objects of them would cost the most
        return
    wanted, there = _counted(due), _counted(found)
    lost, doubled = wanted - there, there - wanted
    assert not lost and not doubled, (  # noqa: PT018  # one message for both
        f"{stream}: of {wanted.total()} rows {lost.total()} are lost and {doubled.total()} too many;"
        f" lost: {sorted(lost, key=repr)[:3]}; too many: {sorted(doubled, key=repr)[:3]}"
    )


def _counted(rows: Rows) -> Counter[tuple[Any, ...]]:
    return Counter(zip(*rows.to_pydict().values(), strict=True))
