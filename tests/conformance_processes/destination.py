"""Serves a destination with a defect, with TOWPATH_LISTEN set as for any."""

from __future__ import annotations

from collections.abc import Callable

from towpath_destination_local.destination import LocalDestination
from towpath_sdk import serve

from conformance_processes.destinations import (
    DeafDestination,
    FlushesLater,
    ForgetsHalfway,
    KeepsUntilTheCommit,
    LeavesALock,
)
from conformance_processes.serving import serve_without_draining

PROGRAMS: dict[str, Callable[[], None]] = {
    "none": lambda: serve(LocalDestination(), argv=[]),
    "deaf": lambda: serve(DeafDestination(), argv=[]),
    "flushes-later": lambda: serve(FlushesLater(), argv=[]),
    "forgets-halfway": lambda: serve(ForgetsHalfway(), argv=[]),
    "keeps-until-the-commit": lambda: serve(KeepsUntilTheCommit(), argv=[]),
    "leaves-a-lock": lambda: serve(LeavesALock(), argv=[]),
    "without-draining": lambda: serve_without_draining(LocalDestination()),
}
"""What to do, by the name of the defect."""
