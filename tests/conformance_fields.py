"""The tables of fields in docs/conformance.md, drawn from the model. Run it to write them."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from towpath_conformance.case import (
    Action,
    Case,
    DestinationCase,
    Expected,
    InvalidConfig,
    Patience,
    Reader,
    SourceCase,
    StreamCase,
    TypeMatrix,
)

__all__ = ["DOCUMENT", "field_tables", "written_tables"]

DOCUMENT = Path(__file__).parent.parent / "docs" / "conformance.md"

_BEGIN, _END = "<!-- fields -->\n", "<!-- /fields -->"
_TITLES: dict[type[BaseModel], str] = {
    Case: "The file",
    InvalidConfig: "An entry of `invalid`",
    Expected: "`fails`",
    SourceCase: "`source`",
    StreamCase: "A stream",
    TypeMatrix: "`type_matrix`",
    DestinationCase: "`destination`",
    Reader: "`read_back`",
    Action: "An action",
    Patience: "`patience`, in seconds and times",
}
_NAMES: dict[Any, str] = {
    str: "text",
    int: "number",
    float: "number",
    Any: "any value",
    StreamCase: "stream",
    Action: "action",
    InvalidConfig: "entry",
}


def field_tables() -> str:
    """All tables, as Markdown."""
    return "\n".join(line for model, title in _TITLES.items() for line in _table(model, title))


def written_tables() -> str:
    """The tables that the document has."""
    return DOCUMENT.read_text().partition(_BEGIN)[2].partition(_END)[0]


def _table(model: type[BaseModel], title: str) -> Iterator[str]:
    yield f"### {title}\n"
    about = re.sub(r"\s*\n\s*", " ", (model.__doc__ or "").partition("\n\n")[2]).strip()
    if about:
        yield f"{about}\n"
    yield "| Field | Value | Default | Meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        if not field.exclude:
            assert field.description, f"{model.__name__}.{name} says nothing of itself"
            described = field.description.replace("|", "\\|")
            yield f"| `{name}` | {_kind(field.annotation)} | {_default(field)} | {described} |"
    yield ""


def _kind(annotation: Any) -> str:
    arguments = [one for one in get_args(annotation) if one is not type(None)]
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_kind, arguments))
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if origin is list:
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{one.value}`" for one in annotation)
    return _NAMES.get(annotation, "section")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    value = value.value if isinstance(value, Enum) else value
    if value in (None, "", [], {}) or isinstance(value, BaseModel):
        return ""
    return f"`{yaml.safe_dump(value).partition(chr(10))[0]}`"


if __name__ == "__main__":
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(text.replace(_BEGIN + written_tables() + _END, f"{_BEGIN}{field_tables()}\n{_END}"))
