"""YAML into plain values that still know their lines, so that every complaint can name one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import yaml
from towpath_sdk.errors import Misconfigured

from towpath_cli.json_values import JsonValue

__all__ = ["Document", "Path", "load_documents", "path_text"]

Path = tuple[str | int, ...]
"""Keys and positions from the top of a document to a value."""


@dataclass(frozen=True)
class Document:
    """One YAML document: its value, and for each path the line, counted from 1, on which it begins."""

    file: str
    value: JsonValue
    lines: dict[Path, int]

    def where(self, path: Path) -> str:
        """Return `file:line` of a path, or of the nearest part above it that the document has."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.file}:{self.lines.get(path, 1)}"


def load_documents(text: str, file: str) -> Iterator[Document]:
    """Yield the documents of a YAML stream; empty ones are left out.

    Raises Misconfigured for malformed YAML, a key that is there twice, and values unknown to JSON; it names line and
    column.
    """
    try:
        for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
            reader = _Reader(file)
            value = reader.read(node, ())
            if value is not None:
                yield Document(file, value, reader.lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise Misconfigured(
            f"{place}: {error.problem or 'not YAML'}; mend the YAML", reason="MALFORMED_YAML"
        ) from error
    except yaml.YAMLError as error:
        problem = str(error).partition("\n")[0]
        raise Misconfigured(f"{file}: not YAML: {problem}", reason="MALFORMED_YAML") from error


def path_text(path: Path) -> str:
    """Write a path as people do: `streams[0].columns`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class _Reader:
    """Turns nodes into values with the scalars of YAML's safe schema; dates stay text, as in JSON."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._scalars = yaml.constructor.SafeConstructor()
        self.lines: dict[Path, int] = {}

    def read(self, node: yaml.Node | None, path: Path) -> JsonValue:
        if node is None:
            return None
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, JsonValue]:
        mapping: dict[str, JsonValue] = {}
        self._scalars.flatten_mapping(node)
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in mapping:
                raise self._problem(key_node, f"`{key}` is there twice; keep one")
            mapping[key] = self.read(value_node, (*path, key))
            self.lines[(*path, key)] = key_node.start_mark.line + 1
        return mapping

    def _scalar(self, node: yaml.Node) -> JsonValue:
        if node.tag == "tag:yaml.org,2002:timestamp":
            return str(node.value)
        value = cast("object", self._scalars.construct_object(node, deep=True))  # pyright: ignore[reportUnknownMemberType]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise self._problem(node, f"a value of type {node.tag.rpartition(':')[2]} cannot be used; quote it")

    def _problem(self, node: yaml.Node, text: str) -> Misconfigured:
        mark = node.start_mark
        return Misconfigured(f"{self._file}:{mark.line + 1}:{mark.column + 1}: {text}", reason="MALFORMED_YAML")
