"""Values of JSON, with their type."""

from __future__ import annotations

import json
from typing import cast

from towpath_sdk.errors import Bug

__all__ = ["JsonObject", "JsonValue", "load_object", "to_text"]

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
JsonObject = dict[str, JsonValue]


def load_object(text: str) -> JsonObject:
    """Read a JSON object that the server sent; empty text is an empty object. Raises Bug when it is none."""
    try:
        value: object = json.loads(text or "{}")
    except ValueError as error:
        raise Bug(
            "the server sent a configuration that is not JSON; report it with the versions of both sides"
        ) from error
    if not isinstance(value, dict):
        raise Bug("the server sent a configuration that is no JSON object; report it with the versions of both sides")
    return cast("JsonObject", value)


def to_text(value: JsonValue) -> str:
    """Write compact JSON; text outside ASCII stays readable."""
    return json.dumps(value, ensure_ascii=False)
