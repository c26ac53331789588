"""What a user is told about columns before data moves: which are stored in another form, and which cannot be stored.

Values in, values out; no I/O.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from towpath_sdk.destination import ColumnPlan, Fit
from towpath_sdk.files.columns import check_names
from towpath_sdk.files.formats import CsvFormat, Format, JsonLinesFormat, ParquetFormat
from towpath_sdk.files.stored import stored_type

__all__ = ["plan_columns"]

_types: Any = pa.types

_WIDELY_READ_DIGITS = 38
_INTERVAL = "files know no such interval; stored as ISO 8601 text, such as P1Y2M3DT4H5M6.000007S"


def plan_columns(
    form: Format, stream: int, name: str, schema: pa.Schema, *, metadata_columns: bool
) -> Iterable[ColumnPlan]:
    """Yield a plan for each column that is not stored as it is; `stream` is its index, `name` is for messages.

    Raises Misconfigured for names that clash.
    """
    check_names(name, schema, metadata_columns=metadata_columns)
    for field in schema:
        if stored_type(field.type) is None:
            reason = f"{field.type} has no form in a file; deselect the column"
            yield ColumnPlan(stream, field.name, field.name, Fit.IMPOSSIBLE, reason)
            continue
        changes = list(dict.fromkeys(_changes(form, field.type)))
        if changes:
            fit = max((fit for fit, _ in changes), key=lambda fit: fit.value)
            yield ColumnPlan(stream, field.name, field.name, fit, "; ".join(reason for _, reason in changes))


def _changes(form: Format, type_: Any) -> Iterator[tuple[Fit, str]]:
    if isinstance(type_, pa.UuidType | pa.JsonType):
        return
    if isinstance(type_, pa.BaseExtensionType):
        type_ = type_.storage_type
    if _types.is_dictionary(type_) or _types.is_run_end_encoded(type_):
        type_ = type_.value_type
    if _types.is_nested(type_):
        if isinstance(form, CsvFormat):
            yield Fit.LOSSLESS, "stored as JSON text"
        for index in range(type_.num_fields):
            yield from _changes(form, type_.field(index).type)
    elif isinstance(form, ParquetFormat):
        yield from _changes_in_parquet(type_)
    else:
        yield from _changes_in_text(type_, in_json=isinstance(form, JsonLinesFormat))


def _changes_in_parquet(type_: Any) -> Iterator[tuple[Fit, str]]:
    if _types.is_interval(type_):
        yield Fit.LOSSLESS, _INTERVAL
    elif _types.is_duration(type_):
        yield Fit.LOSSLESS, f"readers other than Arrow see whole numbers of unit {type_.unit}"
    elif _types.is_decimal(type_) and type_.precision - min(type_.scale, 0) > _WIDELY_READ_DIGITS:
        yield Fit.LOSSLESS, "some readers take decimals of more than 38 digits for floating-point numbers"


def _changes_in_text(type_: Any, *, in_json: bool) -> Iterator[tuple[Fit, str]]:
    if _types.is_interval(type_):
        yield Fit.LOSSLESS, _INTERVAL
    elif _types.is_duration(type_):
        yield Fit.LOSSLESS, f"stored as a whole number of unit {type_.unit}"
    elif _binary(type_):
        yield Fit.LOSSLESS, "stored as base64"
    elif _types.is_decimal(type_) and in_json:
        yield Fit.LOSSLESS, "stored as text, because readers of JSON take numbers for floating-point ones"
    elif _types.is_timestamp(type_) and type_.tz not in (None, "UTC"):
        yield Fit.LOSSY, f"stored in UTC: the same moment, without the name of its time zone, {type_.tz}"


def _binary(type_: Any) -> bool:
    kinds = (_types.is_binary, _types.is_large_binary, _types.is_fixed_size_binary, _types.is_binary_view)
    return any(is_kind(type_) for is_kind in kinds)
