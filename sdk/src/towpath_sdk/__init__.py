"""Write a Towpath connector: one class, plain synchronous methods."""

from __future__ import annotations

from towpath_sdk.catalog import ReadMode, ReadStream, Split, Stream, StreamName, WriteMode, WriteStream
from towpath_sdk.check import Probe
from towpath_sdk.config import Config, Secret
from towpath_sdk.context import Context
from towpath_sdk.destination import Batch, ColumnPlan, Committed, Destination, Fit, OpenWrite, Writer
from towpath_sdk.errors import (
    BadRecord,
    Bug,
    Cancelled,
    Conflict,
    Denied,
    Fenced,
    Misconfigured,
    NotFound,
    PositionLost,
    Throttled,
    TowpathError,
    Unavailable,
)
from towpath_sdk.serving import serve
from towpath_sdk.source import Checkpoint, Record, Source

__all__ = [
    "BadRecord",
    "Batch",
    "Bug",
    "Cancelled",
    "Checkpoint",
    "ColumnPlan",
    "Committed",
    "Config",
    "Conflict",
    "Context",
    "Denied",
    "Destination",
    "Fenced",
    "Fit",
    "Misconfigured",
    "NotFound",
    "OpenWrite",
    "PositionLost",
    "Probe",
    "ReadMode",
    "ReadStream",
    "Record",
    "Secret",
    "Source",
    "Split",
    "Stream",
    "StreamName",
    "Throttled",
    "TowpathError",
    "Unavailable",
    "WriteMode",
    "WriteStream",
    "Writer",
    "serve",
]
