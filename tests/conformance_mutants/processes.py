"""Defects that only a process can have: what it does when it is killed, when calls end, and with its memory.

Those of faults and limits are judged by their whole group; what follows from messages alone, other mutants show in
less time. The rest are judged by every check that measures no time or memory, most of them in this process.
"""

from __future__ import annotations

from typing import Any

from conformance_processes.destinations import FlushesLater, ForgetsHalfway
from conformance_processes.sources import KeepsAFile, KeepsWhatIsEmitted, PrintsItsKey

from conformance_mutants.mutant import mutant

_FAULTS: dict[str, Any] = {"patience.kills": 1, "patience.bit_flips": 4}
_LIMITS: dict[str, Any] = {
    "patience.cycles": 4,
    "patience.slow_reader_seconds": 0.5,
    "patience.idle_seconds": 0.5,
    "source.many_streams": None,
}
"""For the rest of the group, which has nothing to find."""

_FAST: dict[str, Any] = {"source.large_set.batch_rows": 16_384, "source.large_set.checkpoint_rows": 16_384}
"""Rows as fast as they can be had, for what fills memory."""

_ALL_BUT_FAULTS = ("handshake", "check", "discover", "read", "state", "write", "secrecy")

for _check, _name, _command in (
    ("cancel-frees", "keeps what it has until the connection ends", "keeps-until-the-end"),
    ("cancel-blocked-read", "waits for the remote system without end", "deaf"),
    ("client-gone", "does not hear of lost connections", "behind-a-front"),
    ("sigterm-drains", "cancels reads at SIGTERM", "without-draining"),
    ("parent-dies", "lives on without its parent", "orphan"),
    ("read-killed-anywhere", "keeps states in memory", "remembers-states"),
):
    mutant(f"fault.{_check}", "source", _name, command=_command, case=_FAULTS, within=("fault",))
for _check, _name, _command in (
    ("cancel-blocked-write", "waits for a lock without end", "deaf"),
    ("sigterm-commits", "cancels writes at SIGTERM", "without-draining"),
    ("write-killed-anywhere", "leaves a lock behind", "leaves-a-lock"),
):
    mutant(f"fault.{_check}", "destination", _name, command=_command, case=_FAULTS, within=("fault",))

for _check, _name, _command, _changes in (
    ("message-size", "cuts by the size of batches alone", "cuts-by-batches", {}),
    ("batch-size", "cuts by the size of messages alone", "cuts-by-messages", {}),
    ("oversize-row", "leaves out rows that are too large", "leaves-out-large", {}),
    (
        "slow-reader-memory",
        "reads ahead of its reader",
        "reads-ahead",
        {"patience.memory_mib": 300, "patience.slow_reader_seconds": 6, **_FAST},
    ),
    ("no-growth", "keeps a file open for each Check", "keeps-a-file-open", {"patience.cycles": 16}),
    ("speed", "fails when it is acknowledged", "fails-when-acknowledged", {}),
):
    mutant(f"limit.{_check}", "source", _name, command=_command, case={**_LIMITS, **_changes}, within=("limit",))
mutant(
    "limit.uncommitted-memory",
    "destination",
    "keeps in memory what is not committed",
    command="keeps-until-the-commit",
    case={"patience.memory_mib": 300, "patience.slow_reader_seconds": 10, "patience.idle_seconds": 0.5},
    within=("limit",),
)

mutant(
    "state.withheld-acks-memory",
    "source",
    "keeps what it has emitted",
    command="keeps-what-is-emitted",
    part=KeepsWhatIsEmitted,
    case={"patience.memory_mib": 320, "patience.slow_reader_seconds": 4, **_FAST},
)
mutant("secrecy.output", "source", "prints a header with its key", command="prints-its-key", part=PrintsItsKey)
mutant(
    "secrecy.temporary-files", "source", "keeps its key in a file for a moment", command="keeps-a-file", part=KeepsAFile
)
# fault.write-killed-anywhere fails too, and rightly: it also kills after an answered commit.
mutant(
    "write.committed-durable",
    "destination",
    "flushes later",
    command="flushes-later",
    part=FlushesLater,
    within=_ALL_BUT_FAULTS,
)
mutant("write.complete-after-kill", "destination", "forgets halfway", command="forgets-halfway", part=ForgetsHalfway)
