"""Write a Towpath connector: one class, plain synchronous methods.

A name is loaded when it is first asked for: a program that needs the errors alone, as the command line does, does not
wait for Arrow.
"""

from __future__ import annotations

import importlib
import typing

if typing.TYPE_CHECKING:
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

_HOMES = {
    "catalog": ("ReadMode", "ReadStream", "Split", "Stream", "StreamName", "WriteMode", "WriteStream"),
    "check": ("Probe",),
    "config": ("Config", "Secret"),
    "context": ("Context",),
    "destination": ("Batch", "ColumnPlan", "Committed", "Destination", "Fit", "OpenWrite", "Writer"),
    "errors": (
        "BadRecord",
        "Bug",
        "Cancelled",
        "Conflict",
        "Denied",
        "Fenced",
        "Misconfigured",
        "NotFound",
        "PositionLost",
        "Throttled",
        "TowpathError",
        "Unavailable",
    ),
    "serving": ("serve",),
    "source": ("Checkpoint", "Record", "Source"),
}
"""The public names by the module that has them."""

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name from its module."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
