"""Checks: what they assert, why it matters, and whom they concern.

A check is an async function that takes a `Trial` and returns when the connector keeps the rule; it raises `Failed` or
`Skipped` otherwise (see `verdicts`). Its id is stable: reports, documents and continuous integration refer to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from towpath.connector.v1 import connector_pb2, types_pb2

if TYPE_CHECKING:
    from towpath_conformance.trial import Trial

__all__ = ["CHECKS", "Capability", "Check", "CheckFunction", "Group", "check"]

CheckFunction: TypeAlias = "Callable[[Trial], Awaitable[None]]"


class Group(Enum):
    """Groups in the order in which a connector is judged."""

    HANDSHAKE = "handshake"
    CHECK = "check"
    DISCOVER = "discover"
    READ = "read"
    STATE = "state"
    WRITE = "write"
    FAULT = "fault"
    LIMIT = "limit"
    SECRECY = "secrecy"

    @property
    def title(self) -> str:
        """For people, such as "State and acknowledgement"."""
        return _TITLES.get(self, self.value.capitalize())


_TITLES = {
    Group.HANDSHAKE: "Handshake and spec",
    Group.CHECK: "Check of a configuration",
    Group.STATE: "State and acknowledgement",
    Group.FAULT: "Faults",
    Group.LIMIT: "Limits and speed",
}


@dataclass(frozen=True)
class Capability:
    """Something that a connector declares in its Spec, or does not have."""

    name: str
    declared: Callable[[connector_pb2.SpecResponse], bool]


SOURCE = Capability("the source role", lambda spec: connector_pb2.ROLE_SOURCE in spec.roles)
DESTINATION = Capability("the destination role", lambda spec: connector_pb2.ROLE_DESTINATION in spec.roles)
SPLITS = Capability("splits", lambda spec: spec.source.splits)
ACKS = Capability("needs_acks", lambda spec: spec.source.needs_acks)
REPLAY = Capability("deterministic_replay", lambda spec: spec.source.deterministic_replay)
APPEND = Capability("append", lambda spec: types_pb2.WRITE_MODE_APPEND in spec.destination.write_modes)
OVERWRITE = Capability("overwrite", lambda spec: types_pb2.WRITE_MODE_OVERWRITE in spec.destination.write_modes)
DEDUP = Capability("dedup", lambda spec: types_pb2.WRITE_MODE_DEDUP in spec.destination.write_modes)
DISCARDS = Capability("discards_after_resume", lambda spec: spec.destination.discards_after_resume)
WRITERS = Capability("parallel writers", lambda spec: spec.destination.max_writers_per_stream > 1)


@dataclass(frozen=True)
class Check:
    """One rule of the protocol, and the code that judges it.

    `needs` are capabilities without which the rule says nothing. `inputs` are dotted paths of the case file without
    which it cannot be judged. `process` says that instances are started, killed or looked into. `alone` says that it
    measures time or memory, so nothing runs beside it. `changes` says that it changes what the streams hold, so it runs
    alone and after all the others.
    """

    id: str
    group: Group
    asserts: str
    why: str
    fix: str
    run: CheckFunction
    needs: Sequence[Capability] = ()
    inputs: Sequence[str] = ()
    process: bool = False
    alone: bool = False
    slow: bool = False
    changes: bool = False


CHECKS: dict[str, Check] = {}
"""Every check by its id, in the order of judgement."""


def check(
    check_id: str,
    *,
    asserts: str,
    why: str,
    fix: str,
    needs: Sequence[Capability] = (),
    inputs: Sequence[str] = (),
    process: bool = False,
    alone: bool = False,
    slow: bool = False,
    changes: bool = False,
) -> Callable[[CheckFunction], CheckFunction]:
    """Register a check; the part of its id before the point is its group."""
    group = Group(check_id.partition(".")[0])

    def register(function: CheckFunction) -> CheckFunction:
        if check_id in CHECKS:
            raise ValueError(f"two checks are called {check_id}")
        CHECKS[check_id] = Check(
            check_id,
            group,
            asserts,
            why,
            fix,
            function,
            needs,
            inputs,
            process,
            alone=alone,
            slow=slow,
            changes=changes,
        )
        return function

    return register
