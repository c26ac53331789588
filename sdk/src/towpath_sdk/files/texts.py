"""Plain values as text, in the form that JSON and CSV share. Values in, values out; no I/O.

Dates, times and intervals are ISO 8601, binary data base64, decimals written out digit by digit.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyarrow import compute

from towpath_sdk.files.calendar import date_texts, timestamp_texts
from towpath_sdk.files.intervals import interval_texts

__all__ = ["TEXT", "holds_any", "joined", "plain", "text_bytes", "texts"]

pc: Any = compute
_types: Any = pa.types

TEXT = pa.large_string()
"""The type of all texts here: the text of a batch may be larger than the batch."""

_MOST_PLAIN_DIGITS = 6  # with more digits behind the point, Arrow writes small decimals with an exponent


def plain(array: Any) -> Any:
    """Return the array without dictionary and without an extension type that says nothing about its text."""
    if _types.is_dictionary(array.type):
        return plain(array.dictionary_decode())
    if isinstance(array.type, pa.Bool8Type):
        return array.storage.cast(pa.bool_())
    if isinstance(array.type, pa.BaseExtensionType) and not isinstance(array.type, pa.JsonType | pa.UuidType):
        return plain(array.storage)
    return array


def texts(array: Any) -> Any:  # noqa: PLR0911 a table of types, one line each
    """Return each value of a `plain` array that is not nested as text, NULL as NULL."""
    type_ = array.type
    if isinstance(type_, pa.UuidType):
        return _each(array.storage, _uuid_text)
    if isinstance(type_, pa.JsonType):
        return array.storage.cast(TEXT)
    if _types.is_floating(type_):
        return _float_texts(array)
    if _types.is_decimal(type_):
        return _decimal_texts(array)
    if _types.is_date(type_):
        return date_texts(array)
    if _types.is_timestamp(type_):
        return timestamp_texts(array)
    if _types.is_binary(type_) or _types.is_large_binary(type_) or _types.is_fixed_size_binary(type_):
        return _each(array, _base64_text)
    if _types.is_interval(type_):
        return interval_texts(array).cast(TEXT)
    if _types.is_duration(type_):
        return array.cast(pa.int64()).cast(TEXT)
    return array.cast(TEXT)


def joined(*pieces: Any) -> Any:
    """Return the pieces, arrays or texts, one behind the other; NULL where one is NULL."""
    merged: list[Any] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    arrays = [pa.scalar(piece, TEXT) if isinstance(piece, str) else piece for piece in merged]
    return pc.binary_join_element_wise(*arrays, pa.scalar("", TEXT))


def text_bytes(text: Any) -> pa.Buffer:
    """Return the values of an array of `TEXT` one behind the other, without a copy; what NULL holds is undefined."""
    if not len(text):
        return pa.py_buffer(b"")
    _, offsets, values = text.buffers()
    first, last = (
        int.from_bytes(offsets[8 * index : 8 * index + 8], "little") for index in (text.offset, text.offset + len(text))
    )
    return values.slice(first, last - first) if values is not None else pa.py_buffer(b"")


def holds_any(text: Any, characters: bytes) -> bool:
    """Tell whether a value may hold one of these ASCII characters; several times faster than looking in each value."""
    whole = text_bytes(text).to_pybytes()
    return len(whole.translate(None, characters)) != len(whole)


def _each(array: Any, convert: Callable[[bytes], str]) -> Any:
    return pa.array([None if value is None else convert(value) for value in array.to_pylist()], TEXT)


def _uuid_text(value: bytes) -> str:
    return str(uuid.UUID(bytes=value))


def _base64_text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _float_texts(array: Any) -> Any:
    text = pc.replace_substring(pc.replace_substring(array.cast(TEXT), "nan", "NaN"), "inf", "Infinity")
    # Many readers take -0 for the whole number, which has no sign.
    return pc.if_else(pc.equal(text, "-0"), pa.scalar("-0.0", TEXT), text)


def _decimal_texts(array: Any) -> Any:
    scale = array.type.scale
    if 0 <= scale <= _MOST_PLAIN_DIGITS:
        return array.cast(TEXT)
    whole = _unscaled(array).cast(TEXT)
    sign = pc.if_else(pc.starts_with(whole, "-"), pa.scalar("-", TEXT), pa.scalar("", TEXT))
    digits = pc.utf8_ltrim(whole, "-")
    if scale < 0:
        return joined(sign, pc.if_else(pc.equal(digits, "0"), digits, joined(digits, "0" * -scale)))
    digits = pc.utf8_lpad(digits, scale + 1, "0")
    return joined(sign, pc.utf8_slice_codeunits(digits, 0, -scale), ".", pc.utf8_slice_codeunits(digits, -scale))


def _unscaled(array: Any) -> Any:
    """Return the digits of decimals as whole numbers: the same memory, read with a scale of 0."""
    whole = type(array.type)
    makers: dict[Any, Any] = {
        pa.Decimal32Type: pa.decimal32,
        pa.Decimal64Type: pa.decimal64,
        pa.Decimal128Type: pa.decimal128,
        pa.Decimal256Type: pa.decimal256,
    }
    return pa.Array.from_buffers(
        makers[whole](array.type.precision, 0), len(array), array.buffers(), offset=array.offset
    )
