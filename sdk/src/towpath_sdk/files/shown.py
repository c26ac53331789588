"""Values as text for people, of every Arrow type there is. Values in, values out; no I/O."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from typing import Any

import pyarrow as pa

from towpath_sdk.errors import BadRecord
from towpath_sdk.files.csv import cell_texts
from towpath_sdk.files.stored import stored_type, stored_values

__all__ = ["shown_texts"]


def shown_texts(array: Any) -> list[str | None]:
    """Return each value as a file of text would hold it, NULL as None.

    What no file can hold, such as a union, or a nested document that is no JSON, is shown as Python writes it: nobody
    reads it back.
    """
    type_ = stored_type(array.type)
    if type_ is not None:
        try:
            return cell_texts(stored_values(array, type_)).to_pylist()
        except (BadRecord, pa.ArrowException):
            pass
    return [None if value is None else str(value) for value in array.to_pylist()]
