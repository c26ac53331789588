"""Steps for tests of files: forms as users configure them, and the bytes of a file."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime

import pyarrow as pa
from pydantic import TypeAdapter
from towpath_sdk.files import Format, StoredColumns, encoder_for

__all__ = ["encoded", "form_of", "rows"]


def form_of(kind: str, **options: object) -> Format:
    """A format as a user configures it."""
    return TypeAdapter[Format](Format).validate_python({"type": kind, **options})


def encoded(form: Format, batches: Iterable[pa.RecordBatch]) -> bytes:
    """The bytes of a file with these rows, without metadata columns."""
    sink = io.BytesIO()
    encoder = None
    for batch in batches:
        columns = StoredColumns.of("any", batch.schema, metadata_columns=False)
        encoder = encoder or encoder_for(form, columns.schema, sink)
        encoder.write(columns.convert(batch, datetime.now(UTC), 1, "job"))
    assert encoder is not None
    encoder.close()
    return sink.getvalue()


def rows(first: int, last: int) -> pa.RecordBatch:
    """Rows `first` to `last`, both included."""
    numbers = range(first, last + 1)
    return pa.record_batch({"id": pa.array(numbers, pa.int64()), "name": [f"order {number}" for number in numbers]})
