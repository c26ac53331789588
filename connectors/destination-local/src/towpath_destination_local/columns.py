"""What becomes of a stream's columns in a file: the metadata columns stand behind them. Values in, values out; no I/O."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of fields and arrays open.
from __future__ import annotations

from datetime import datetime

import pyarrow as pa

__all__ = ["METADATA", "with_metadata"]

METADATA = pa.schema(
    [
        pa.field("_towpath_extracted_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("_towpath_generation_id", pa.int64(), nullable=False),
        pa.field("_towpath_job_id", pa.string(), nullable=False),
    ]
)


def with_metadata(records: pa.RecordBatch, at: datetime, generation: int, job: str) -> pa.RecordBatch:
    """Return the batch with the metadata columns. `at` is UTC."""
    constants = (at, generation, job)
    columns = [
        *records.columns,
        *(
            pa.repeat(pa.scalar(value, field.type), records.num_rows)
            for value, field in zip(constants, METADATA, strict=True)
        ),
    ]
    fields = [field.remove_metadata() for field in records.schema]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([*fields, *METADATA]))
