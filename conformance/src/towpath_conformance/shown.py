"""A message as a line of text for people: secrets masked, and large byte fields cut.

Whoever debugs wants the header, not a megabyte of Arrow. Masking comes first, field by field, because a secret that was
cut in two or escaped twice is found no more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from google.protobuf import any_pb2, text_format
from google.protobuf.message import DecodeError, Message
from towpath_sdk.redaction import MASK, Redactor

__all__ = ["printable", "said"]

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_LONGEST = 600
_LONGEST_BYTES = 48


def printable(text: str) -> str:
    """Replace what a connector must not do to a terminal or a file: control characters, and halves of surrogates."""
    return _UNPRINTABLE.sub("\ufffd", text)


def said(message: Message | bytes | str, redactor: Redactor) -> str:
    """Say a message in one line; bytes are what no message could be made of."""
    if isinstance(message, str):
        return printable(redactor.redact(message))
    if isinstance(message, bytes):
        if redactor.finds_secret_in(message[: _LONGEST_BYTES + redactor.longest]):
            return f"{len(message)} bytes {MASK}"
        return f"{len(message)} bytes {message[:_LONGEST_BYTES].hex()}{'…' if len(message) > _LONGEST_BYTES else ''}"
    try:
        shown = _Shown(redactor, cut=message.ByteSize() >= 4 * _LONGEST).message(message)
        text = text_format.MessageToString(shown, as_one_line=True)
    except DecodeError:
        # An Any that does not hold what it says cannot be shown, and is nothing to fail for here.
        return f"{message.DESCRIPTOR.name} of {message.ByteSize()} bytes"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


@dataclass(frozen=True)
class _Shown:
    """Copies values as they are shown. Arrow is always cut: nobody reads it so."""

    redactor: Redactor
    cut: bool

    def message(self, message: Message) -> Message:
        if isinstance(message, any_pb2.Any):
            found = self.redactor.finds_secret_in(message.SerializeToString())
            return any_pb2.Any(type_url=MASK) if found else message
        copy = type(message)()
        for descriptor, value in message.ListFields():
            into = getattr(copy, descriptor.name)
            if isinstance(value, Message):
                into.CopyFrom(self.message(value))
            elif isinstance(value, Mapping):
                self._fill(into, cast("Mapping[Any, Any]", value))
            elif isinstance(value, str | bytes | int | float):
                shown = replace(self, cut=True) if descriptor.name.startswith("ipc_") else self
                setattr(copy, descriptor.name, shown._value(value))  # noqa: SLF001 its own kind
            else:
                into.extend(map(self._value, value))
        return copy

    def _fill(self, into: Any, value: Mapping[Any, Any]) -> None:
        for key, item in value.items():
            if isinstance(item, Message):
                into[key].CopyFrom(self.message(item))
            else:
                into[self._value(key)] = self._value(item)

    def _value(self, value: Any) -> Any:
        if isinstance(value, Message):
            return self.message(value)
        if isinstance(value, str):
            return self.redactor.redact(value)
        return self._bytes(value) if isinstance(value, bytes) else value

    def _bytes(self, raw: bytes) -> bytes:
        long = self.cut and len(raw) > _LONGEST_BYTES
        if self.redactor.finds_secret_in(raw[: _LONGEST_BYTES + self.redactor.longest] if long else raw):
            return MASK.encode()
        return raw[:_LONGEST_BYTES] + f"…({len(raw)} bytes)".encode() if long else raw
