"""Arrow arrays as arrays of JSON texts. Values in, values out; no I/O.

Numbers are bare; decimals are texts, because readers take bare ones for doubles; so are NaN and the infinities, which
JSON lacks. Columns that hold JSON are embedded as they are. A map is a list of [key, value].
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from pyarrow import compute

from towpath_sdk.files.documents import documents
from towpath_sdk.files.texts import TEXT, holds_any, joined, plain, texts

__all__ = ["json_or_null", "json_pieces", "json_values"]

pc: Any = compute
_types: Any = pa.types

# What has to be escaped within quotes, in this order: the escapes themselves hold backslashes.
_SYNTAX = {"\\": "\\\\", '"': '\\"'}
_FREQUENT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_RARE = {chr(code): f"\\u{code:04x}" for code in range(32) if chr(code) not in _FREQUENT} | {
    "\b": "\\b",
    "\f": "\\f",
}


def json_values(array: Any) -> Any:
    """Return each value as JSON, NULL as null. Raises BadRecord for a document that is no JSON."""
    return pc.fill_null(json_or_null(array), pa.scalar("null", TEXT))


def json_pieces(array: Any) -> list[Any]:
    """Return what, joined, is each value as JSON, NULL as null: quotes cost less when joined with the whole line."""
    array = plain(array)
    if _quotes(array.type) and not array.null_count:
        return ['"', _quotable(array), '"']
    return [json_values(array)]


def json_or_null(array: Any) -> Any:  # noqa: PLR0911 a table of types, one line each
    """Return each value as JSON, but NULL as NULL. Raises BadRecord for a document that is no JSON."""
    array = plain(array)
    type_ = array.type
    if _quotes(type_):
        return _quoted(_quotable(array))
    if _types.is_null(type_):
        return pa.nulls(len(array), TEXT)
    if isinstance(type_, pa.JsonType):
        return documents(texts(array))
    if _types.is_floating(type_):
        return pc.if_else(pc.is_finite(array), texts(array), _quoted(texts(array)))
    if _types.is_struct(type_):
        return _objects(array)
    if _types.is_map(type_):
        return _pairs(array)
    return _lists(array) if _types.is_nested(type_) else texts(array)


def _quotes(type_: Any) -> bool:
    """Tell whether every value of a type is a text in JSON."""
    number = _types.is_boolean(type_) or _types.is_integer(type_) or _types.is_floating(type_)
    bare = number or _types.is_duration(type_) or _types.is_null(type_) or isinstance(type_, pa.JsonType)
    return not bare and not _types.is_nested(type_)


def _quotable(array: Any) -> Any:
    """Return each value as what stands between the quotes."""
    text = texts(array)
    return _escaped(text) if _types.is_string(array.type) or _types.is_large_string(array.type) else text


def _quoted(text: Any) -> Any:
    return joined('"', text, '"')


def _escaped(text: Any) -> Any:
    for escapes in (_SYNTAX, _FREQUENT, _RARE):
        if holds_any(text, "".join(escapes).encode()):
            for raw, escape in escapes.items():
                text = pc.replace_substring(text, raw, escape)
    return text


def _lists(array: Any) -> Any:
    if _types.is_fixed_size_list(array.type):
        array = array.cast(pa.large_list(array.type.value_type))
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    return _bracketed(array, first, json_values(array.values.slice(first, last - first)))


def _pairs(array: Any) -> Any:
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    keys, items = (values.slice(first, last - first) for values in (array.keys, array.items))
    return _bracketed(array, first, joined("[", json_values(keys), ",", json_values(items), "]"))


def _bracketed(array: Any, first: int, values: Any) -> Any:
    """Return lists of texts as one text each; `values` begin with what `array` has at its offset `first`."""
    offsets = pc.subtract(array.offsets.cast(pa.int64()), first)
    commas = pc.binary_join(pa.LargeListArray.from_arrays(offsets, values), pa.scalar(",", TEXT))
    return _with_nulls_of(array, joined("[", commas, "]"))


def _objects(array: Any) -> Any:
    pieces: list[Any] = []
    for field, values in zip(array.type.fields, array.flatten(), strict=True):
        pieces += [f"{',' if pieces else '{'}{json.dumps(field.name, ensure_ascii=False)}:", json_values(values)]
    return _with_nulls_of(array, joined(*pieces, "}"))


def _with_nulls_of(array: Any, text: Any) -> Any:
    return pc.if_else(array.is_valid(), text, pa.scalar(None, TEXT)) if array.null_count else text
