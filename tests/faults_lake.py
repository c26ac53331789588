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
from destination_s3_steps import all_keys, content, unfinished
from faults_rows import COLUMNS, OVERWRITTEN, STREAMS, Rows

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

__all__ = ["Lake"]

_OWN = "/_towpath/"


@dataclass
class Lake:
    """One bucket. It remembers what it has compared, so that a check reads only objects that are new."""

    client: S3Client
    bucket: str
    _compared: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def check(self, due: dict[str, Rows]) -> None:
        """Compare what the last run added with what was due, row by row, and what was there before by its keys."""
        present = self._present()
        for stream in STREAMS:
            before = set() if stream == OVERWRITTEN else self._compared.get(stream, set())
            assert before - present[stream] == set(), f"{stream}: objects of earlier runs are gone"
            found = self._rows(present[stream] - before)
            assert_same(stream, due[stream], found)
        self._compared = present

    def orphans(self) -> list[str]:
        """Return what nobody needs any more, in words: unfinished uploads, unnamed objects, fences."""
        keys = all_keys(self.client, self.bucket)
        visible = {key for key in keys if _OWN not in key}
        promised = {key for _, found in self._manifests(keys) for key in found}
        return [
            *(f"unfinished upload {key}" for key in unfinished(self.client, self.bucket)),
            *(f"object {key} is in no manifest" for key in sorted(visible - promised)),
            *(f"a manifest names {key}, which is not there" for key in sorted(promised - visible)),
            *(f"{key} was not removed" for key in keys if _OWN in key and "/manifests/" not in key),
        ]

    def _present(self) -> dict[str, set[str]]:
        """Return the keys that manifests name, by stream."""
        present: dict[str, set[str]] = {stream: set() for stream in STREAMS}
        for stream, objects in self._manifests(all_keys(self.client, self.bucket)):
            present[stream] |= objects
        return present

    def _manifests(self, keys: list[str]) -> list[tuple[str, set[str]]]:
        found: list[tuple[str, set[str]]] = []
        for key in keys:
            if "/_towpath/manifests/" in key:
                manifest: dict[str, Any] = json.loads(content(self.client, self.bucket, key))
                stream = unquote(key.rsplit("/", 2)[1].removeprefix("="))
                found.append((stream, {item["key"] for item in manifest["objects"]}))
        return found

    def _rows(self, keys: set[str]) -> Rows:
        tables = [pq.read_table(io.BytesIO(content(self.client, self.bucket, key))) for key in sorted(keys)]
        if not tables:
            return Counter()
        columns = pa.concat_tables(tables).select(list(COLUMNS)).to_pydict()
        return Counter(zip(*columns.values(), strict=True))


def assert_same(stream: str, due: Rows, found: Rows) -> None:
    """Fail with examples when rows are lost or doubled."""
    if dict.__eq__(due, found):  # no row of either is there no times; counters themselves compare in Python
        return
    lost, doubled = due - found, found - due
    assert not lost and not doubled, (  # noqa: PT018  # one message for both
        f"{stream}: of {due.total()} rows {lost.total()} are lost and {doubled.total()} too many;"
        f" lost: {sorted(lost, key=repr)[:3]}; too many: {sorted(doubled, key=repr)[:3]}"
    )
