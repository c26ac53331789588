"""Connectors in a process of their own: the good ones, and those whose defect only a process can have.

Run as `python -m conformance_mutants.process DEFECT`, with TOWPATH_LISTEN set as for any connector.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from towpath_sdk import serve

from conformance_mutants.fault_fronts import KeepsUntilTheConnectionEnds, Lost, serve_behind
from conformance_mutants.fault_processes import (
    DeafDestination,
    DeafSource,
    LeavesALock,
    RemembersStates,
    serve_as_an_orphan,
    serve_without_draining,
)
from conformance_mutants.good_destination import good_destination
from conformance_mutants.good_source import good_source
from conformance_mutants.limit_memory import KeepsUntilTheCommit
from conformance_mutants.limit_mutants import (
    FailsWhenAcknowledged,
    KeepsAFileOpen,
    LeavesOutWhatIsLarge,
    ReadsAhead,
    serve_cutting_by,
)
from conformance_mutants.secrecy import KeepsAFile, PrintsItsKey
from conformance_mutants.state_memory import KeepsWhatIsEmitted
from conformance_mutants.write_publications import FlushesLater, ForgetsHalfway

DEFECTS: dict[str, Callable[[], None]] = {
    "good-source": lambda: serve(good_source(), argv=[]),
    "good-destination": lambda: serve(good_destination(), argv=[]),
    "keeps-what-is-emitted": lambda: serve(KeepsWhatIsEmitted(), argv=[]),
    "flushes-later": lambda: serve(FlushesLater(), argv=[]),
    "forgets-halfway": lambda: serve(ForgetsHalfway(), argv=[]),
    "keeps-a-file": lambda: serve(KeepsAFile(), argv=[]),
    "prints-its-key": lambda: serve(PrintsItsKey(), argv=[]),
    "keeps-until-the-end": lambda: serve_behind(KeepsUntilTheConnectionEnds, good_source()),
    "behind-a-front": lambda: serve_behind(Lost, good_source()),
    "deaf-source": lambda: serve(DeafSource(), argv=[]),
    "deaf-destination": lambda: serve(DeafDestination(), argv=[]),
    "source-without-draining": lambda: serve_without_draining(good_source()),
    "destination-without-draining": lambda: serve_without_draining(good_destination()),
    "orphan": lambda: serve_as_an_orphan(good_source()),
    "remembers-states": lambda: serve(RemembersStates(), argv=[]),
    "leaves-a-lock": lambda: serve(LeavesALock(), argv=[]),
    "cuts-by-batches": lambda: serve_cutting_by("max_batch_bytes"),
    "cuts-by-messages": lambda: serve_cutting_by("max_message_bytes"),
    "leaves-out-large": lambda: serve(LeavesOutWhatIsLarge(), argv=[]),
    "reads-ahead": lambda: serve(ReadsAhead(), argv=[]),
    "keeps-a-file-open": lambda: serve(KeepsAFileOpen(), argv=[]),
    "keeps-until-the-commit": lambda: serve(KeepsUntilTheCommit(), argv=[]),
    "fails-when-acknowledged": lambda: serve(FailsWhenAcknowledged(), argv=[]),
}
"""What to do instead of serving well, by name."""

if __name__ == "__main__":
    DEFECTS[sys.argv[1]]()
