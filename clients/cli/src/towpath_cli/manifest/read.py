"""From files to checked entries, every complaint with its file and line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from towpath_sdk.errors import Misconfigured

from towpath_cli.environment import expand
from towpath_cli.json_values import JsonValue
from towpath_cli.manifest.entries import (
    ConnectionEntry,
    ConnectorEntry,
    DestinationEntry,
    Entry,
    SourceEntry,
)
from towpath_cli.manifest.yaml_lines import Document, Path, load_documents, path_text

__all__ = ["KINDS_IN_ORDER", "Wanted", "read_manifest"]

_ENTRIES: Mapping[str, type[Entry]] = {
    "connector": ConnectorEntry,
    "source": SourceEntry,
    "destination": DestinationEntry,
    "connection": ConnectionEntry,
}

KINDS_IN_ORDER = tuple(_ENTRIES)
"""What must exist before what."""


@dataclass(frozen=True)
class Wanted:
    """One entry: its kind (`source`), content, place (`file:line`), and the paths that came from variables."""

    kind: str
    entry: Entry
    where: str
    from_environment: frozenset[str]


def read_manifest(files: Iterable[str], environ: Mapping[str, str]) -> list[Wanted]:
    """Read pipeline files, `-` being standard input, into entries in the order in which they must exist.

    A document is one entry with a `kind`, a list of such entries, or a mapping of `connectors`, `sources`,
    `destinations` and `connections` to lists. Raises Misconfigured with file and line for whatever is wrong.
    """
    wanted = [one for file in files for document in load_documents(_text(file), _shown(file))
              for one in _entries(document, environ)]  # fmt: skip
    seen: dict[tuple[str, str], str] = {}
    for one in wanted:
        key = (one.kind, one.entry.name)
        if key in seen:
            raise Misconfigured(f"{one.where}: {one.kind} `{one.entry.name}` is described twice, first at {seen[key]}")
        seen[key] = one.where
    if not wanted:
        raise Misconfigured("the file describes nothing; see `towpath apply --help` for an example")
    return sorted(wanted, key=lambda one: KINDS_IN_ORDER.index(one.kind))


def _entries(document: Document, environ: Mapping[str, str]) -> Iterator[Wanted]:
    value = document.value
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield _one(document, item, (index,), None, environ)
    elif isinstance(value, dict) and "kind" in value:
        yield _one(document, value, (), None, environ)
    elif isinstance(value, dict):
        for collection, items in value.items():
            kind = collection.removesuffix("s")
            if kind not in _ENTRIES or kind == collection:
                choices = ", ".join(f"{name}s" for name in _ENTRIES)
                raise Misconfigured(
                    f"{document.where((collection,))}: `{collection}` is not known here; "
                    f"write `kind:`, or lists below {choices}"
                )
            if not isinstance(items, list):
                raise Misconfigured(f"{document.where((collection,))}: `{collection}` wants a list")
            for index, item in enumerate(items):
                yield _one(document, item, (collection, index), kind, environ)
    else:
        raise Misconfigured(f"{document.where(())}: a mapping is wanted, with `kind:`; see `towpath apply --help`")


def _one(document: Document, value: JsonValue, path: Path, kind: str | None, environ: Mapping[str, str]) -> Wanted:
    where = document.where(path)
    if not isinstance(value, dict):
        raise Misconfigured(f"{where}: a mapping is wanted, with `name:`")
    fields = dict(value)
    said = fields.pop("kind", kind)
    kind = str(said).lower()
    if kind not in _ENTRIES:
        problem = f"`kind: {said}` is not known" if said is not None else "there is no `kind:`"
        raise Misconfigured(f"{where}: {problem}; choose one of: {', '.join(_ENTRIES)}")
    try:
        expanded = expand(fields, environ)
    except Misconfigured as error:
        raise Misconfigured(f"{where}: {error.message}", reason=error.reason, fields=error.fields) from error
    try:
        entry = _ENTRIES[kind].model_validate(expanded.value)
    except ValidationError as error:
        raise _complaint(document, path, kind, error) from error
    return Wanted(kind, entry, where, expanded.paths)


def _complaint(document: Document, path: Path, kind: str, error: ValidationError) -> Misconfigured:
    """One line for the first problem, and one for each field when there are several."""
    problems = [(_known_part(document, path, detail["loc"]), _words(detail)) for detail in error.errors()]
    first, text = problems[0]
    fields = {path_text(at[len(path) :]): f"{problem} ({document.where(at)})" for at, problem in problems[1:]}
    return Misconfigured(f"{document.where(first)}: {path_text(first[len(path) :]) or kind}: {text}", fields=fields)


def _known_part(document: Document, path: Path, location: tuple[str | int, ...]) -> Path:
    """Drop what pydantic adds to a location, such as the member of a union; keep what the user wrote or left out."""
    at = path
    for index, part in enumerate(location):
        if (*at, part) in document.lines or index == len(location) - 1:
            at = (*at, part)
    return at


def _words(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return "there is no such field; look for a typing mistake"
    if detail["type"] == "missing":
        return "is required"
    if detail["type"] == "string_pattern_mismatch":
        return "use 1 to 63 lower-case letters, digits and hyphens, starting with a letter"
    message = detail["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else FilePath(file).read_text(encoding="utf-8")
    except OSError as error:
        raise Misconfigured(f"cannot read {file}: {error.strerror}; name a YAML file") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{file} is not UTF-8 text; name a YAML file") from error


def _shown(file: str) -> str:
    return "standard input" if file == "-" else file
