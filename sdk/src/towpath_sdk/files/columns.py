"""What becomes of a stream's columns in a file: each in its stored type, with the metadata columns behind them.

Values in, values out; no I/O.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from towpath_sdk.errors import Misconfigured
from towpath_sdk.files.stored import stored_type, stored_values

__all__ = ["METADATA", "StoredColumns", "check_names"]

METADATA = pa.schema(
    [
        pa.field("_towpath_extracted_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("_towpath_generation_id", pa.int64(), nullable=False),
        pa.field("_towpath_job_id", pa.string(), nullable=False),
    ]
)
"""The columns added to every row: when its batch arrived, the generation and the job that wrote it."""


@dataclass(frozen=True)
class StoredColumns:
    """Turns batches of one schema into what is stored."""

    schema: pa.Schema
    _metadata: bool

    @classmethod
    def of(cls, stream: str, schema: pa.Schema, *, metadata_columns: bool) -> StoredColumns:
        """Plan for one schema; `stream` is for messages.

        Raises Misconfigured when a column cannot be stored, or its name clashes.
        """
        check_names(stream, schema, metadata_columns=metadata_columns)
        fields: list[pa.Field[pa.DataType]] = []
        for field in schema:
            type_ = stored_type(field.type)
            if type_ is None:
                raise Misconfigured(
                    f"column {json.dumps(field.name)} of {stream} is {field.type}, which no file can hold; "
                    "deselect the column",
                    reason="IMPOSSIBLE_COLUMN",
                )
            # A source's notes on its columns are not the reader's business.
            fields.append(field.with_type(type_).remove_metadata())
        if metadata_columns:
            fields += list(METADATA)
        return cls(pa.schema(fields), metadata_columns)

    def convert(self, records: pa.RecordBatch, at: datetime, generation: int, job: str) -> pa.RecordBatch:
        """Return the batch as it is stored. `at` is UTC."""
        columns = [
            stored_values(column, field.type) for column, field in zip(records.columns, self.schema, strict=False)
        ]
        if self._metadata:
            constants = (at, generation, job)
            columns += [
                pa.repeat(pa.scalar(value, field.type), records.num_rows)
                for value, field in zip(constants, METADATA, strict=True)
            ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def check_names(stream: str, schema: pa.Schema, *, metadata_columns: bool) -> None:
    """Raise Misconfigured unless every column has a name of its own."""
    names = [*schema.names, *(METADATA.names if metadata_columns else [])]
    if not names:
        raise Misconfigured(f"{stream} has no columns, so its rows could not be stored", reason="NO_COLUMNS")
    clash = sorted(set(schema.names) & set(METADATA.names)) if metadata_columns else []
    if clash:
        raise Misconfigured(
            f"column {clash[0]} of {stream} has the name of a metadata column; deselect it, or set metadata_columns "
            "to false in the destination",
            reason="COLUMN_NAME_TAKEN",
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Misconfigured(f"{stream} has several columns called {json.dumps(twice[0])}", reason="DUPLICATE_COLUMN")
