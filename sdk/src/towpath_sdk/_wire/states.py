"""States: a mapping becomes marked JSON, bytes stay as they are, and no secret gets in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from towpath_sdk.errors import Bug, PositionLost
from towpath_sdk.redaction import Redactor

__all__ = ["decode_state", "encode_state"]

_FAMILY = b"towpath:"
_JSON = b"towpath:json:"
_BYTES = b"towpath:bytes:"


def encode_state(state: Mapping[str, object] | bytes, redactor: Redactor, max_bytes: int) -> bytes:
    """Encode a checkpoint's state. Raises Bug when it is too large, not JSON, or contains a secret."""
    if isinstance(state, bytes):
        encoded = _BYTES + state if state.startswith(_FAMILY) else state
    else:
        try:
            encoded = _JSON + json.dumps(state, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
        except (TypeError, ValueError) as error:
            raise Bug(f"a checkpoint's state is not JSON: {error}") from error
    if len(encoded) > max_bytes > 0:
        raise Bug(f"a checkpoint's state has {len(encoded)} bytes, the limit is {max_bytes}")
    if redactor.finds_secret_in(encoded):
        raise Bug("a checkpoint's state contains a secret of the configuration", reason="SECRET_IN_STATE")
    return encoded


def decode_state(encoded: bytes) -> Mapping[str, object] | bytes | None:
    """Decode a state; None when there is none. Raises PositionLost when marked JSON is damaged."""
    if not encoded:
        return None
    if encoded.startswith(_BYTES):
        return encoded[len(_BYTES) :]
    if not encoded.startswith(_JSON):
        return encoded
    try:
        state = json.loads(encoded[len(_JSON) :])
    except ValueError as error:
        raise PositionLost("the stored state is damaged; refresh the stream", reason="DAMAGED_STATE") from error
    if not isinstance(state, dict):
        raise PositionLost("the stored state is damaged; refresh the stream", reason="DAMAGED_STATE")
    return cast("dict[str, object]", state)
