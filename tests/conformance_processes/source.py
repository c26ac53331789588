"""Serves a source with a defect, with TOWPATH_LISTEN set as for any."""

from __future__ import annotations

from collections.abc import Callable

from towpath_sdk import serve
from towpath_source_faker import FakerSource

from conformance_processes.fronts import KeepsUntilTheConnectionEnds, Lost, serve_behind
from conformance_processes.serving import serve_as_an_orphan, serve_cutting_by, serve_without_draining
from conformance_processes.sources import (
    DeafSource,
    FailsWhenAcknowledged,
    KeepsAFile,
    KeepsAFileOpen,
    KeepsWhatIsEmitted,
    LeavesOutWhatIsLarge,
    PrintsItsKey,
    ReadsAhead,
    RemembersStates,
)

PROGRAMS: dict[str, Callable[[], None]] = {
    "none": lambda: serve(FakerSource(), argv=[]),
    "behind-a-front": lambda: serve_behind(Lost, FakerSource()),
    "cuts-by-batches": lambda: serve_cutting_by("max_batch_bytes", FakerSource()),
    "cuts-by-messages": lambda: serve_cutting_by("max_message_bytes", FakerSource()),
    "deaf": lambda: serve(DeafSource(), argv=[]),
    "fails-when-acknowledged": lambda: serve(FailsWhenAcknowledged(), argv=[]),
    "keeps-a-file": lambda: serve(KeepsAFile(), argv=[]),
    "keeps-a-file-open": lambda: serve(KeepsAFileOpen(), argv=[]),
    "keeps-until-the-end": lambda: serve_behind(KeepsUntilTheConnectionEnds, FakerSource()),
    "keeps-what-is-emitted": lambda: serve(KeepsWhatIsEmitted(), argv=[]),
    "leaves-out-large": lambda: serve(LeavesOutWhatIsLarge(), argv=[]),
    "orphan": lambda: serve_as_an_orphan(FakerSource()),
    "prints-its-key": lambda: serve(PrintsItsKey(), argv=[]),
    "reads-ahead": lambda: serve(ReadsAhead(), argv=[]),
    "remembers-states": lambda: serve(RemembersStates(), argv=[]),
    "without-draining": lambda: serve_without_draining(FakerSource()),
}
"""What to do, by the name of the defect."""
