"""Arrow types that files do not know, and what is stored in their place. Values in, values out; no I/O.

Intervals become ISO 8601 text, decimals of negative scale whole numbers, and what only memory encodes so (views, run
ends, dictionaries of nested values) plain values of the same worth; at any depth.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from typing import Any

import pyarrow as pa
from pyarrow import compute

from towpath_sdk.files.intervals import interval_texts

__all__ = ["stored_type", "stored_values"]

pc: Any = compute
_arrow: Any = pa
_types: Any = pa.types

_WIDEST_DECIMAL128 = 38
_WIDEST_DECIMAL256 = 76


def stored_type(type_: Any) -> Any:  # noqa: PLR0911 a table of types, one line each
    """Return the type of a column in a file; None when none can hold it."""
    if isinstance(type_, pa.BaseExtensionType):
        storage = stored_type(type_.storage_type)
        return type_ if storage == type_.storage_type else storage
    if _types.is_interval(type_):
        return pa.string()
    if _types.is_string_view(type_):
        return pa.large_string()
    if _types.is_binary_view(type_):
        return pa.large_binary()
    if _types.is_decimal(type_):
        return type_ if type_.scale >= 0 else _whole_number(type_.precision - type_.scale)
    if _types.is_run_end_encoded(type_):
        return stored_type(type_.value_type)
    if _types.is_dictionary(type_):
        values = stored_type(type_.value_type)
        return type_ if values == type_.value_type and not _types.is_nested(values) else values
    if _types.is_union(type_) or _types.is_list_view(type_) or _types.is_large_list_view(type_):
        return None
    return _stored_nested(type_) if _types.is_nested(type_) else type_


def stored_values(array: Any, type_: Any) -> Any:  # noqa: PLR0911 a table of types, one line each
    """Return the values of an array as `type_`, which is `stored_type` of its type."""
    if array.type == type_:
        return array
    if isinstance(array.type, pa.BaseExtensionType):
        return stored_values(array.storage, type_)
    if _types.is_interval(array.type):
        return interval_texts(array)
    if _types.is_run_end_encoded(array.type):
        return stored_values(pc.run_end_decode(array), type_)
    if _types.is_dictionary(array.type):
        return stored_values(array.dictionary_decode(), type_)
    if _types.is_struct(array.type):
        fields = type_.fields
        children = [stored_values(child, field.type) for child, field in zip(array.flatten(), fields, strict=True)]
        return _arrow.StructArray.from_arrays(children, fields=fields, mask=array.is_null())
    if _types.is_nested(array.type):
        return _stored_lists(array, type_)
    return array.cast(type_)


def _whole_number(digits: int) -> pa.DataType | None:
    if digits <= _WIDEST_DECIMAL128:
        return pa.decimal128(digits, 0)
    return pa.decimal256(digits, 0) if digits <= _WIDEST_DECIMAL256 else None


def _stored_nested(type_: Any) -> Any:
    fields = [type_.field(index) for index in range(type_.num_fields)]
    if _types.is_map(type_):
        fields = [type_.key_field, type_.item_field]
    stored = [stored_type(field.type) for field in fields]
    if not stored or None in stored:
        return None
    if stored == [field.type for field in fields]:
        return type_
    fields = [field.with_type(new) for field, new in zip(fields, stored, strict=True)]
    if _types.is_struct(type_):
        return pa.struct(fields)
    if _types.is_map(type_):
        return _arrow.map_(*fields)
    if _types.is_fixed_size_list(type_):
        return pa.list_(fields[0], type_.list_size)
    return pa.large_list(fields[0]) if _types.is_large_list(type_) else pa.list_(fields[0])


def _stored_lists(array: Any, type_: Any) -> Any:
    nulls = array.is_null()
    if _types.is_fixed_size_list(array.type):
        values = array.values.slice(array.offset * type_.list_size, len(array) * type_.list_size)
        return _arrow.FixedSizeListArray.from_arrays(stored_values(values, type_.value_type), type=type_, mask=nulls)
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    offsets = pc.subtract(array.offsets, first)  # a copy, because a mask and sliced offsets cannot go together
    if _types.is_map(array.type):
        whole = array.slice(0, len(array))
        keys = stored_values(whole.keys.slice(first, last - first), type_.key_type)
        items = stored_values(whole.items.slice(first, last - first), type_.item_type)
        return _arrow.MapArray.from_arrays(offsets, keys, items, type_, mask=nulls)
    values = stored_values(array.values.slice(first, last - first), type_.value_type)
    return type(array).from_arrays(offsets, values, type=type_, mask=nulls)
