"""Columns that hold JSON, embedded as they are: a text that is none would break its line."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from pyarrow import compute
from pyarrow import json as arrow_json

from towpath_sdk.errors import BadRecord
from towpath_sdk.files.texts import joined, text_bytes

__all__ = ["documents"]

pc: Any = compute


def documents(text: Any) -> Any:
    """Return JSON texts, each on one line. Raises BadRecord when one is no JSON."""
    # In JSON a raw line break is white space between values: inside of texts it is escaped.
    lines = pc.replace_substring(pc.replace_substring(text, "\n", " "), "\r", " ")
    if not _surely_sound(lines):
        for document in lines.to_pylist():
            if document is not None:
                _check(document)
    return lines


def _surely_sound(lines: Any) -> bool:
    """Let Arrow's reader judge, which is fast, but accepts NaN, and refuses huge numbers and lone surrogates."""
    if pc.any(pc.match_substring_regex(lines, "NaN|Infinity")).as_py():
        return False
    present = pc.drop_null(lines)
    # Twice, so that `1,"more":2` is caught by the brackets, and `1],"more":[2` by their absence.
    objects = text_bytes(joined('{"bare":', present, ',"listed":[', present, "]}\n"))
    if not objects.size:
        return True
    try:
        read = arrow_json.read_json(
            pa.BufferReader(objects),  # pyright: ignore[reportArgumentType] - the stubs know no buffers
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=objects.size + 1),
            parse_options=arrow_json.ParseOptions(
                explicit_schema=pa.schema([]), newlines_in_values=False, unexpected_field_behavior="ignore"
            ),
        )
    except pa.ArrowInvalid:
        return False
    return read.num_rows == len(present)


def _check(document: str) -> None:
    try:
        json.loads(document, parse_float=str, parse_int=str, parse_constant=_no_json)
    except RecursionError:
        return  # deeper than Python looks
    except ValueError as error:
        raise BadRecord(f"a document is no JSON: {error}; deliver it as text", reason="NO_JSON") from error


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON's")
