"""Results as JSON or YAML: the proto's own JSON, so that programs need one schema only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import yaml
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import RenderableType

from towpath_cli.session import Session

__all__ = ["show", "show_list", "show_value", "to_json_line"]

M = TypeVar("M", bound=Message)


def show(session: Session, message: M, table: Callable[[M], RenderableType]) -> None:
    """Write one message: as a table made by `table`, or as proto JSON."""
    if session.output == "table":
        session.out.print(table(message))
    else:
        show_value(session, MessageToDict(message))


def show_list(
    session: Session, field: str, messages: Iterable[M], table: Callable[[Sequence[M]], RenderableType]
) -> None:
    """Write messages: as a table, or as `{field: [...]}`, which is the JSON of the List response."""
    found = list(messages)
    if session.output == "table":
        session.out.print(table(found))
    else:
        show_value(session, {field: [MessageToDict(message) for message in found]})


def show_value(session: Session, value: object) -> None:
    """Write a plain value as JSON or, if asked for, YAML."""
    if session.output == "yaml":
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    else:
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    session.out.file.write(text)


def to_json_line(message: Message) -> str:
    """Return proto JSON on one line, for streams of messages."""
    return json.dumps(MessageToDict(message), ensure_ascii=False)
