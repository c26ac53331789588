"""Mutants: connectors that break exactly one rule, so that the check of that rule is seen to fail.

A mutant is a good connector with one defect: in its messages (`begin`, on the way through a relay), in its code
(`part`, a subclass of a good one), or in its process (`command`). It must fail its check, and no other.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from conformance_processes.nursery import forked
from towpath_conformance import CHECKS, Case, Check
from towpath_conformance.case import changed
from towpath_conformance.peer import Peer
from towpath_conformance.targets import Instance, Target
from towpath_sdk import Destination, Source
from towpath_sdk._serve.identity import connector_of
from towpath_sdk._serve.server import ConnectorServer
from towpath_sdk._serve.settings import Settings

from conformance_mutants.proxy import Begin, relay
from conformance_mutants.reach import Reach

__all__ = ["MUTANTS", "InProcessTarget", "Mutant", "Part", "Role", "mutant", "process_target"]

Part: TypeAlias = "Source[Any] | Destination[Any]"
Role: TypeAlias = Literal["source", "destination"]


_ONLY_WAITING = frozenset({"patience.call_seconds", "patience.idle_seconds"})
"""Changes to the case that do not change what the judge says, only how long it waits."""


@dataclass(frozen=True)
class Mutant:
    """One defect. `role` says of which good connector; with none of the three, the defect is in the case itself."""

    name: str
    check_id: str
    role: Role
    begin: Begin | None = None
    begins: Callable[[], Begin] | None = None
    """Makes a `begin` for each instance: for defects that remember what an instance was asked before."""
    part: Callable[[], Part] | None = None
    command: str | None = None
    """Name of the defect in `conformance_processes`, for mutants that have to be a process. With a `part` as well, the
    same defect is judged in this process by those checks that need no other one."""
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Changes to the good case's configuration, as dotted paths."""
    case: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Changes to the good case file, as dotted paths."""
    within: tuple[str, ...] = ()
    """Groups of checks that are judged, such as "fault"; all when empty. Only for mutants that have to be a process, or
    that change time or memory rather than messages: a whole suite of processes takes half a minute for each of them."""

    def judged_by(self, reach: Reach) -> list[Check]:
        """The checks that it is judged by: every one that it could fail. `reach` is that of the good connector."""
        noticed = None if self.within else self._noticed(reach)
        return [check for check in CHECKS.values() if check.id == self.check_id or self._may_fail(check, noticed)]

    def _may_fail(self, check: Check, noticed: frozenset[str] | None) -> bool:
        if self.within:
            return check.group.value in self.within
        # What measures time or memory alone takes seconds, and no changed message alters it.
        if check.alone:
            return False
        unknown = check.process and self.command is not None  # the good connector of `reach` cannot be killed
        return noticed is None or unknown or check.id in noticed

    def _noticed(self, reach: Reach) -> frozenset[str] | None:
        """Ids of the checks that get other messages; None for all, where the defect is not in one place."""
        if self.config or not _ONLY_WAITING.issuperset(self.case):
            return None
        begin = self.begins() if self.begins else self.begin
        if self.part is not None:
            return reach.uses_of(self.part()) if begin is None else None
        if begin is None:
            return None
        return reach.calls_of(begin) if self.begins else reach.notices(begin)

    def spoil(self, good: Case) -> Case:
        """The good case with this mutant's changes."""
        if not self.config and not self.case:
            return good
        raw = changed(good.model_dump(mode="json"), self.case)
        raw["config"] = changed(raw["config"], self.config)
        return Case.model_validate({**raw, "folder": good.folder})

    def targets(self, good: Callable[[], Part], checks: Sequence[Check]) -> list[tuple[Target, Sequence[Check]]]:
        """What is judged, and by which of the checks."""
        here = InProcessTarget(self.part or good, self.begin, self.begins)
        if self.command is None:
            return [(here, checks)]
        there = process_target(self.role, self.command)
        if self.part is None:
            return [(there, checks)]
        return [(there, [c for c in checks if c.process]), (here, [c for c in checks if not c.process])]


MUTANTS: list[Mutant] = []
"""All of them; modules of this package add theirs when they are imported."""


def mutant(check_id: str, role: Role, name: str, **defect: Any) -> None:
    """Register a mutant that fails `check_id` and no other check."""
    MUTANTS.append(Mutant(name, check_id, role, **defect))


def process_target(role: Role, defect: str) -> Target:
    """A connector in a process of its own, which serves with that defect of `conformance_processes`."""
    return forked(f"conformance_processes.{role}", defect)


@dataclass(frozen=True)
class InProcessTarget:
    """A connector in this process, behind a relay where there is something to change: nothing to kill."""

    part: Callable[[], Part]
    begin: Begin | None = None
    begins: Callable[[], Begin] | None = None
    name: str = "in this process"
    can_start: bool = False

    @asynccontextmanager
    async def start(
        self, ready_seconds: float, *, environ: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Instance]:
        """Serve, and relay to it."""
        del ready_seconds, environ
        token = secrets.token_urlsafe(12)
        with tempfile.TemporaryDirectory(prefix="towpath-") as name:
            inner, outer = f"unix:{name}/inner", f"unix:{name}/outer"
            server = ConnectorServer(connector_of(self.part()), Settings(listen=inner, token=token, drain_seconds=1))
            await server.start()
            try:
                async with AsyncExitStack() as stack:
                    begin = self.begins() if self.begins else self.begin
                    if begin is not None:
                        await stack.enter_async_context(relay(outer, inner, begin))
                    address = inner if begin is None else outer
                    peer = Peer(address, token)
                    stack.push_async_callback(peer.close)
                    yield Instance(address, token, peer)
            finally:
                await server.stop(0)
