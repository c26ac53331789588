"""Which methods a check calls, and so which mutants of messages it could ever notice.

It is not kept by hand: the good connector is judged once, and what each check exchanges with it is noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from google.protobuf.message import Message
from towpath_conformance import CHECKS, Case, Check, judge
from towpath_conformance.exchange import Exchange, noting
from towpath_conformance.targets import Target
from towpath_conformance.trial import Trial

__all__ = ["ALWAYS", "Reach", "reach_of"]

Reach = Mapping[str, frozenset[str]]
"""Names of the methods that a check calls, by the id of the check."""

ALWAYS = frozenset({"Handshake", "Spec"})
"""What is asked before the first check decides how all of them go."""


async def reach_of(target: Target, case: Case) -> Reach:
    """Judge a good connector by all checks that measure nothing, and note what they call."""
    reach: dict[str, frozenset[str]] = {}
    watched = [_watched(check, reach) for check in CHECKS.values() if not check.alone]
    await judge(target, case, checks=watched, seed=7, at_once=8)
    return {check_id: methods | ALWAYS for check_id, methods in reach.items()}


def _watched(check: Check, reach: dict[str, frozenset[str]]) -> Check:
    async def run(trial: Trial) -> None:
        called = _Called()
        try:
            with noting(called):
                await check.run(trial)
        finally:
            reach[check.id] = frozenset(called.methods)

    return replace(check, run=run)


class _Called(Exchange):
    """Keeps the names of methods in the place of messages; health is a Check here, as its path says."""

    def __init__(self) -> None:
        super().__init__()
        self.methods: set[str] = set()

    def note(self, arrow: str, method: str, message: Message | bytes | str) -> None:
        """Note the method."""
        del arrow, message
        self.methods.add(method)

    def extend(self, other: Exchange) -> None:
        """Note what was called for several checks at once."""
        self.methods.update(line.split()[1] for _, line in other.lines)
