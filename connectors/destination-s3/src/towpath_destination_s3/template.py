"""Where a file lies: the path template, checked and filled. Values in, keys out; no I/O."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from towpath_sdk import StreamName

__all__ = [
    "DEFAULT_TEMPLATE",
    "HIVE_NULL",
    "RESERVED",
    "UNKNOWN",
    "FilePlace",
    "PathTemplate",
    "write_token",
    "writer_token",
]

DEFAULT_TEMPLATE = "{namespace}/{stream}/{partition}/{write}-{commit}-{part}.{extension}"
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
"""Hive's name for the partition of NULL."""

_KNOWN = frozenset(
    {
        "namespace",
        "stream",
        "generation",
        "year",
        "month",
        "day",
        "hour",
        "partition",
        "write",
        "commit",
        "part",
        "extension",
    }
)
_UNIQUE = ("write", "commit", "part")
RESERVED = "_towpath"
"""The folder, below the prefix, that holds what Towpath itself needs to remember."""
_SAFE = " !$&'()*+,-.:;@_"
_LONGEST_KEY = 1024
UNKNOWN = "…"
"""Stands for a part of a key that is known only when a file is written."""
_RUNS = re.compile(f"{UNKNOWN}(?:[-_.]?{UNKNOWN})+")


@dataclass(frozen=True)
class FilePlace:
    """What a path can depend on. `at` is UTC; `partition` is (column, value), the value being None for NULL."""

    stream: StreamName
    generation: int
    write_id: str
    writer_id: str
    commit: int
    part: int
    at: datetime
    extension: str
    partition: tuple[str, str | None] | None = None


class PathTemplate:
    """A checked template. Raises ValueError, saying what is wrong, when it could give two files one name."""

    def __init__(self, template: str) -> None:
        try:
            parsed = list(string.Formatter().parse(template))
        except ValueError as error:
            raise ValueError(f"the template is malformed: {error}") from None
        fields = [field for _, field, _, _ in parsed if field is not None]
        unknown = sorted(set(fields) - _KNOWN)
        if unknown:
            raise ValueError(
                f"unknown {', '.join('{' + name + '}' for name in unknown)}; known are {', '.join(sorted(_KNOWN))}"
            )
        if any(spec or conversion for _, _, spec, conversion in parsed):
            raise ValueError("placeholders take no format")
        if "stream" not in fields:
            raise ValueError("the template lacks {stream}: streams would mix")
        if template.startswith("/") or any(segment in (".", "..", RESERVED) for segment in template.split("/")):
            raise ValueError(f"a template is relative and has no '.', '..' or {RESERVED} parts")
        if not template.isprintable():
            raise ValueError("a template has no control characters")
        self._segments = template.split("/")
        _check_name(self._segments[-1])

    def key(self, prefix: str, place: FilePlace) -> str:
        """Return the key of a file; parts that are empty, such as a missing namespace, are left out.

        Raises ValueError when the key is longer than the 1,024 bytes that S3 allows.
        """
        partition = ""
        if place.partition is not None:
            column, value = place.partition
            partition = f"{_escape(column)}={HIVE_NULL if value is None else _escape(value)}"
        values = {
            "namespace": _escape(place.stream.namespace),
            "stream": _escape(place.stream.name),
            "generation": str(place.generation),
            "year": f"{place.at:%Y}",
            "month": f"{place.at:%m}",
            "day": f"{place.at:%d}",
            "hour": f"{place.at:%H}",
            "partition": partition,
            "write": f"{write_token(place.write_id)}-{writer_token(place.writer_id)}",
            "commit": f"{place.commit:06d}",
            "part": f"{place.part:05d}",
            "extension": place.extension,
        }
        key = self._filled(prefix, values)
        if len(key.encode()) > _LONGEST_KEY:
            raise ValueError(
                f"the path of a file of {place.stream} is longer than {_LONGEST_KEY} bytes; shorten the template"
                + (f", or partition by another column than {place.partition[0]}" if place.partition else "")
            )
        return key

    def pattern(self, prefix: str, stream: StreamName, extension: str, partition_by: str | None) -> str:
        """Return the key of every file of a stream, "…" standing for what is known only when it is written."""
        values = dict.fromkeys(_KNOWN, UNKNOWN) | {
            "namespace": _escape(stream.namespace),
            "stream": _escape(stream.name),
            "partition": "" if partition_by is None else f"{_escape(partition_by)}={UNKNOWN}",
            "extension": extension,
        }
        return _RUNS.sub(UNKNOWN, self._filled(prefix, values))

    def _filled(self, prefix: str, values: Mapping[str, str]) -> str:
        filled = (_harmless(segment.format(**values)) for segment in self._segments)
        return "/".join(part for part in (prefix, *filled) if part)


def write_token(write_id: str) -> str:
    """Return the part of a file's name by which everything of one write is found again."""
    return "w" + hashlib.sha256(write_id.encode()).hexdigest()[:12]


def writer_token(writer_id: str) -> str:
    """Return the part of a file's name that tells the writers of one write apart."""
    return hashlib.sha256(writer_id.encode()).hexdigest()[:8]


def _check_name(name: str) -> None:
    """Refuse a file name from which write, commit and part could not be read again: two files could share it.

    The write is a token that occurs nowhere else; from it, commit and part are found by the literals in between.
    """
    pieces = list(string.Formatter().parse(name))
    fields = [field for _, field, _, _ in pieces]
    missing = [field for field in _UNIQUE if field not in fields]
    if missing:
        raise ValueError(
            f"the file name lacks {', '.join('{' + field + '}' for field in missing)}: files would collide"
        )
    places = [index for index, field in enumerate(fields) if field in _UNIQUE]
    if len(places) != len(_UNIQUE) or places[-1] - places[0] != len(_UNIQUE) - 1:
        raise ValueError("{write}, {commit} and {part} stand once in the file name, with nothing but text in between")
    for index in places:
        before = pieces[index][0][-1:] or ("{" if index else "")
        after = (pieces[index + 1][0][:1] or "{") if index + 1 < len(pieces) else ""
        if fields[index] != "write" and any(neighbour == "{" or neighbour.isdigit() for neighbour in (before, after)):
            raise ValueError(f"{{{fields[index]}}} is a number: set it apart by characters such as '-' or '.'")


def _escape(value: str) -> str:
    """Percent-encode what would change the path, or would be taken for something else."""
    if value == HIVE_NULL:
        return value.replace("_", "%5F")
    return quote(value, safe=_SAFE)


def _harmless(segment: str) -> str:
    """Keep a segment that values filled from being taken for a folder of another meaning."""
    if segment in (".", ".."):
        return segment.replace(".", "%2E")
    return segment.replace("_", "%5F", 1) if segment == RESERVED else segment
