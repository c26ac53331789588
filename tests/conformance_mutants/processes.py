"""Defects that only a process can have: what it does when it is killed, when calls end, and with its memory.

Each is judged by its check and by those that look at the same: they watch the same calls end, kill the process in the
same moments, or measure it by the same means. What follows from the messages alone, other mutants show in less time.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from conformance_mutants.mutant import mutant

_QUICK: dict[str, Any] = {
    "patience.bit_flips": 4,
    "patience.cycles": 4,
    "patience.idle_seconds": 0.5,
    "patience.kills": 1,
    "patience.slow_reader_seconds": 0.5,
}
"""For the companions, which have nothing to find."""

_FEW: dict[str, Any] = {"source.many_streams": None}
_MORE_CYCLES: dict[str, Any] = {"patience.cycles": 16}
_CALLS_END = ("fault.cancel-prompt", "fault.cancel-frees", "fault.client-gone")
_SIZES = ("limit.message-size", "limit.batch-size", "limit.oversize-row", "state.size", "read.schema-before-batch")
_MEMORY = ("limit.slow-reader-memory", "limit.no-growth")

_Defect: TypeAlias = tuple[str, str, str, tuple[str, ...], dict[str, Any]]
"""Id of its check, what it does, its name in `conformance_processes`, its companions, and changes to the case."""

_SOURCES: tuple[_Defect, ...] = (
    (
        "fault.cancel-frees",
        "keeps what it has until the connection ends",
        "keeps-until-the-end",
        (*_CALLS_END, "fault.cancel-blocked-read", "limit.no-growth"),
        {},
    ),
    (
        "fault.cancel-blocked-read",
        "waits for the remote system without end",
        "deaf",
        (*_CALLS_END, "state.drain", "state.waits-for-last-ack"),
        {},
    ),
    (
        "fault.client-gone",
        "does not hear of lost connections",
        "behind-a-front",
        (*_CALLS_END, "fault.cancel-blocked-read", "fault.sigterm-drains"),
        {},
    ),
    (
        "fault.sigterm-drains",
        "cancels reads at SIGTERM",
        "without-draining",
        (*_CALLS_END, "fault.parent-dies", "state.drain"),
        {},
    ),
    (
        "fault.parent-dies",
        "lives on without its parent",
        "orphan",
        ("fault.client-gone", "fault.sigterm-drains", "fault.read-killed-anywhere"),
        {},
    ),
    (
        "fault.read-killed-anywhere",
        "keeps states in memory",
        "remembers-states",
        # Without state.in-another-process, which fails too, and rightly; a defect of its own shows that it can.
        (
            "fault.sigterm-drains",
            "fault.parent-dies",
            "fault.client-gone",
            "state.resume-without-gap",
            "read.completes",
        ),
        {},
    ),
    ("limit.message-size", "cuts by the size of batches alone", "cuts-by-batches", _SIZES, {}),
    ("limit.batch-size", "cuts by the size of messages alone", "cuts-by-messages", _SIZES, {}),
    ("limit.oversize-row", "leaves out rows that are too large", "leaves-out-large", _SIZES, {}),
    (
        "limit.slow-reader-memory",
        "reads ahead of its reader",
        "reads-ahead",
        (*_MEMORY, "limit.speed", "limit.batch-size"),
        {"patience.memory_mib": 300, "patience.slow_reader_seconds": 6},
    ),
    ("limit.no-growth", "keeps a file open for each Check", "keeps-a-file-open", (*_MEMORY, "check"), _MORE_CYCLES),
    ("limit.speed", "fails when it is acknowledged", "fails-when-acknowledged", (*_MEMORY, "state.final-ack"), {}),
    (
        "state.withheld-acks-memory",
        "keeps what it has emitted",
        "keeps-what-is-emitted",
        (*_MEMORY, "limit.speed", "state.emits-without-acks", "state.releases-acknowledged"),
        {"patience.memory_mib": 320, "patience.slow_reader_seconds": 4},
    ),
    ("secrecy.output", "prints a header with its key", "prints-its-key", ("secrecy", "check"), {}),
    ("secrecy.temporary-files", "keeps its key in a file for a moment", "keeps-a-file", ("secrecy", "check"), {}),
)

_DESTINATIONS: tuple[_Defect, ...] = (
    (
        "fault.cancel-blocked-write",
        "waits for a lock without end",
        "deaf",
        (*_CALLS_END, "fault.sigterm-commits", "write.uncommitted"),
        {},
    ),
    (
        "fault.sigterm-commits",
        "cancels writes at SIGTERM",
        "without-draining",
        (*_CALLS_END, "fault.parent-dies", "fault.write-killed-anywhere"),
        {},
    ),
    (
        "fault.write-killed-anywhere",
        "leaves a lock behind",
        "leaves-a-lock",
        (*_CALLS_END, "fault.sigterm-commits", "write.uncommitted", "write.fenced"),
        {},
    ),
    # Without fault.write-killed-anywhere, which fails too, and rightly: it also kills after an answered commit.
    ("write.committed-durable", "flushes later", "flushes-later", ("write",), {}),
    (
        "write.complete-after-kill",
        "forgets halfway",
        "forgets-halfway",
        ("write", "fault.write-killed-anywhere", "fault.sigterm-commits"),
        {},
    ),
    (
        "limit.uncommitted-memory",
        "keeps in memory what is not committed",
        "keeps-until-the-commit",
        (
            "limit.no-growth",
            "limit.speed",
            "write.append",
            "write.commit-rows",
            "write.two-streams",
            "write.uncommitted",
        ),
        {"patience.memory_mib": 300, "patience.slow_reader_seconds": 10},
    ),
)

for _check, _name, _command, _within, _case in _SOURCES:
    mutant(_check, "source", _name, command=_command, case={**_QUICK, **_FEW, **_case}, within=_within)
for _check, _name, _command, _within, _case in _DESTINATIONS:
    mutant(_check, "destination", _name, command=_command, case={**_QUICK, **_case}, within=_within)
