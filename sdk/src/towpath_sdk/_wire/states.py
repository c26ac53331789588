"""States: a mapping as JSON, bytes as they are, behind a mark and a checksum; no secret gets in, and no damage out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import google_crc32c

from towpath_sdk.errors import Bug, Misconfigured, PositionLost
from towpath_sdk.redaction import Redactor

__all__ = ["decode_state", "encode_state", "with_checksum"]

_MARKED = re.compile(rb"towpath:(json|bytes):([0-9a-f]{8}):")

_crc32c = cast("Callable[[bytes], int]", cast("Any", google_crc32c).value)


def encode_state(state: Mapping[str, object] | bytes, redactor: Redactor, max_bytes: int) -> bytes:
    """Encode a checkpoint's state; that of no bytes is none at all.

    Raises Bug when it is too large, not JSON, or contains a secret.
    """
    if state == b"":
        return b""
    if isinstance(state, bytes):
        encoded = _marked(b"bytes", state)
    else:
        try:
            text = json.dumps(state, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise Bug(f"a checkpoint's state is not JSON: {error}") from error
        encoded = _marked(b"json", text.encode())
    if len(encoded) > max_bytes > 0:
        raise Bug(f"a checkpoint's state has {len(encoded)} bytes, the limit is {max_bytes}")
    if redactor.finds_secret_in(encoded):
        raise Bug("a checkpoint's state contains a secret of the configuration", reason="SECRET_IN_STATE")
    return encoded


def decode_state(encoded: bytes) -> Mapping[str, object] | bytes | None:
    """Decode a state; None when there is none. Raises PositionLost when `encode_state` did not write it as it is."""
    if not encoded:
        return None
    marked = _MARKED.match(encoded)
    if marked is None:
        raise PositionLost(
            "the stored state was not written by this connector; refresh the stream", reason="UNKNOWN_STATE"
        )
    content = encoded[marked.end() :]
    if int(marked[2], 16) != _crc32c(marked[1] + content):
        raise PositionLost("the stored state is damaged; refresh the stream", reason="DAMAGED_STATE")
    return content if marked[1] == b"bytes" else cast("dict[str, object]", json.loads(content))


def with_checksum(encoded: bytes) -> bytes:
    """Return a state that a person edited, under the checksum of its content; as it is when it has no mark.

    Raises Misconfigured when it is marked as JSON, and is no JSON object.
    """
    marked = _MARKED.match(encoded)
    if marked is None:
        return encoded
    content = encoded[marked.end() :]
    if marked[1] == b"json":
        try:
            value: object = json.loads(content)
        except ValueError as error:
            raise Misconfigured(f"the state is not JSON: {error}", reason="INVALID_STATE") from error
        if not isinstance(value, dict):
            raise Misconfigured("the state is not a JSON object", reason="INVALID_STATE")
    return _marked(marked[1], content)


def _marked(kind: bytes, content: bytes) -> bytes:
    return b"towpath:%b:%08x:%b" % (kind, _crc32c(kind + content), content)
