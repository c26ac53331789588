"""What goes wrong while rows are encoded, named with the stream that they are of."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import pyarrow as pa

from towpath_sdk.catalog import StreamName
from towpath_sdk.errors import BadRecord

__all__ = ["storing"]


@contextlib.contextmanager
def storing(stream: StreamName) -> Generator[None]:
    """Raise what Arrow says of a value as BadRecord of this stream; failures of uploads pass unchanged."""
    try:
        yield
    except BadRecord as error:
        raise BadRecord(f"{stream}: {error.message}", reason=error.reason) from error
    except (pa.ArrowException, OSError) as error:
        raise BadRecord(f"rows of {stream} cannot be stored: {error}", reason="UNSTORABLE_VALUE") from error
