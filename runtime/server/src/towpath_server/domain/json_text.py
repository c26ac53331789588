"""JSON text to values and back, without loss: integers of any size stay exact, NaN and infinities are refused."""

from __future__ import annotations

import json
from typing import NoReturn

from towpath_sdk.errors import Misconfigured

__all__ = ["JsonObject", "JsonValue", "dump", "load_object", "same"]

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
JsonObject = dict[str, JsonValue]


def load_object(text: str, field: str) -> JsonObject:
    """Parse `text` into an object.

    Raises Misconfigured naming `field`; the message says where the text breaks, never what it holds.
    """
    try:
        value: JsonValue = json.loads(text or "{}", parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        problem = f"not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        problem = "not valid JSON: NaN, infinities and very deep nesting are refused"
    else:
        if isinstance(value, dict):
            return value
        problem = "a JSON object is wanted"
    raise Misconfigured(f"{field} cannot be read", reason="INVALID_JSON", fields={field: problem})


def dump(value: JsonValue) -> str:
    """Return `value` as compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def same(one: JsonValue, other: JsonValue) -> bool:
    """Whether both are the same JSON; Python itself takes 1, 1.0 and True for equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
