"""Runs checks and gathers their verdicts.

Checks run several at a time; those that measure time or memory run alone, after the others, and those that change what
the streams hold come last. The runner decides about skipping before a check runs: a capability that the connector does
not declare is a reason to skip, while a declared one that cannot be judged is a failure, because nobody would know
whether the declaration is true.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import grpc
from towpath.connector.v1 import connector_pb2
from towpath_sdk.redaction import Redactor

from towpath_conformance.actions import ActionFailed, act
from towpath_conformance.case import Case, Patience
from towpath_conformance.concealment import secrets_of
from towpath_conformance.exchange import Exchange, concealing, noting
from towpath_conformance.failure import noticing
from towpath_conformance.registry import CHECKS, DESTINATION, SOURCE, Check
from towpath_conformance.shown import printable
from towpath_conformance.targets.port import StartFailed, Target
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, Outcome, Skipped, Verdict

__all__ = ["Report", "judge"]

_CHECK_SECONDS = 600.0
_ROLES = {connector_pb2.ROLE_SOURCE: "source", connector_pb2.ROLE_DESTINATION: "destination"}


@dataclass(frozen=True)
class Report:
    """All verdicts about one connector, in the order of judgement."""

    target: str
    connector_id: str
    connector_version: str
    title: str
    roles: Sequence[str]
    patience: Patience
    seed: int
    began: datetime
    seconds: float
    verdicts: Sequence[Verdict]
    facts: dict[str, float] = field(default_factory=dict[str, float])
    left_out: int = 0
    """How many more checks concern the connector and were not asked for."""

    def count(self, outcome: Outcome) -> int:
        """How many ended so."""
        return sum(verdict.outcome is outcome for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        """Something was judged, and nothing failed; what was skipped is said, and is no failure."""
        return bool(self.count(Outcome.PASS)) and not self.count(Outcome.FAIL) and not self.count(Outcome.ERROR)


async def judge(
    target: Target,
    case: Case,
    *,
    checks: Sequence[Check] | None = None,
    seed: int = 0,
    at_once: int = 4,
    secrets: Sequence[str] = (),
    on_plan: Callable[[Sequence[Check]], None] = lambda _: None,
    on_begin: Callable[[Check], None] = lambda _: None,
    on_verdict: Callable[[Check, Verdict], None] = lambda _, __: None,
) -> Report:
    """Judge a connector by `checks`, by default all that concern its roles.

    What the case file has that is secret, and `secrets`, are masked in every verdict. Raises StartFailed when the
    connector cannot be started at all, and ActionFailed when its system cannot be seeded.
    """
    began, clock = datetime.now(UTC), time.monotonic()
    trial = Trial(target, case, seed)
    verdicts: dict[str, Verdict] = {}
    slots = asyncio.Semaphore(at_once)
    redactor = secrets_of(case, others=secrets)

    async def run(chosen: Check) -> None:
        async with slots:
            on_begin(chosen)
            verdicts[chosen.id] = _concealed(await _judged(chosen, trial), redactor)
            on_verdict(chosen, verdicts[chosen.id])

    try:
        with concealing(redactor), noticing(trial.seen):
            await _prepare(trial)
        redactor = secrets_of(case, trial.spec.config_json_schema, secrets)
        # What was asked for by name is reported in any case, if only as skipped.
        concerned = list(checks) if checks is not None else [c for c in CHECKS.values() if _concerns(c, trial.spec)]
        on_plan(concerned)
        with concealing(redactor), noticing(trial.seen):
            # The slow ones first, so that the quick ones fill the places beside them.
            together = sorted((c for c in concerned if not c.alone and not c.changes), key=lambda c: not c.slow)
            await asyncio.gather(*(run(chosen) for chosen in together))
            for chosen in sorted((c for c in concerned if c.alone or c.changes), key=lambda c: c.changes):
                await run(chosen)
    except (StartFailed, ActionFailed) as error:
        raise type(error)(printable(redactor.redact(str(error)))) from None
    finally:
        await trial.close()
    return Report(
        target=redactor.redact(target.name),
        connector_id=printable(trial.spec.connector_id),
        connector_version=printable(trial.spec.connector_version),
        title=printable(trial.spec.title),
        roles=[word for role, word in _ROLES.items() if role in trial.spec.roles],
        patience=case.patience,
        seed=seed,
        began=began,
        seconds=time.monotonic() - clock,
        verdicts=[verdicts[chosen.id] for chosen in concerned],
        facts=trial.facts,
        left_out=sum(_concerns(c, trial.spec) for c in CHECKS.values() if c not in concerned),
    )


def _concealed(verdict: Verdict, redactor: Redactor) -> Verdict:
    """Mask what a check cites, and keep it from playing with terminals.

    The messages were masked when they were noted, before they were cut; this is for what got past that.
    """
    exchanged = tuple(printable(redactor.redact(line)) for line in verdict.exchanged)
    return replace(verdict, message=printable(redactor.redact(verdict.message)), exchanged=exchanged)


async def _prepare(trial: Trial) -> None:
    """Seed the systems, start the shared instance and ask who it is."""
    case = trial.case
    for action in (
        case.source.seed if case.source else None,
        case.destination.prepare if case.destination else None,
    ):
        if action is not None:
            await act(action, case.config, case.folder)
    peer = await trial.peer()
    # As a platform does; whether Spec needs it, and how it ends, is for the checks of the handshake to say.
    await peer.handshake(timeout=case.patience.call_seconds)
    answer = await peer.spec(case.patience.call_seconds)
    if answer.failure is not None:
        raise StartFailed(f"the connector is serving, but Spec failed: {answer.failure}")
    trial.spec = answer.responses[0]


def _concerns(chosen: Check, spec: connector_pb2.SpecResponse) -> bool:
    """Say whether a check is about a role that the connector has."""
    return all(need.declared(spec) for need in chosen.needs if need in (SOURCE, DESTINATION))


async def _judged(chosen: Check, trial: Trial) -> Verdict:
    clock = time.monotonic()
    exchange = Exchange()
    outcome, message = Outcome.PASS, ""
    try:
        _skip_unless_judgeable(chosen, trial)
        with noting(exchange):
            await asyncio.wait_for(chosen.run(trial), _CHECK_SECONDS)
    except Skipped as reason:
        outcome, message = Outcome.SKIP, str(reason)
    except Failed as failure:
        outcome, message = Outcome.FAIL, str(failure)
    except StartFailed as failure:
        outcome, message = Outcome.FAIL, str(failure)
    except TimeoutError:
        outcome, message = Outcome.FAIL, f"the check was not done within {_CHECK_SECONDS:g} s"
    except ActionFailed as error:
        outcome, message = Outcome.ERROR, f"the case file: {error}"
    except grpc.RpcError as error:
        outcome, message = Outcome.FAIL, f"a call ended unexpectedly: {error}"
    except Exception as error:  # noqa: BLE001 a defect of the check must not end the run
        outcome, message = Outcome.ERROR, f"the check itself is broken: {type(error).__name__}: {error}"
    shown = exchange.text() if outcome in (Outcome.FAIL, Outcome.ERROR) else ()
    return Verdict(chosen.id, outcome, message, time.monotonic() - clock, shown)


def _skip_unless_judgeable(chosen: Check, trial: Trial) -> None:
    """Raise Skipped for what does not apply, Failed for what is declared and cannot be judged."""
    for need in chosen.needs:
        if not need.declared(trial.spec):
            raise Skipped(f"the connector does not declare {need.name}")
    for role, path in ((SOURCE, "source"), (DESTINATION, "destination")):
        if role in chosen.needs and not _given(trial.case, path):
            raise Failed(f"the connector declares {role.name}, and the case file has no `{path}` to judge it with")
    reason = _why_not(chosen, trial)
    if reason is None:
        return
    declared = [need.name for need in chosen.needs if need not in (SOURCE, DESTINATION)]
    if declared:
        raise Failed(f"the connector declares {', '.join(declared)}, and it cannot be judged: {reason}")
    raise Skipped(reason)


def _why_not(chosen: Check, trial: Trial) -> str | None:
    for path in chosen.inputs:
        if not _given(trial.case, path):
            return f"the case file does not give `{path}`"
    if chosen.process and not trial.target.can_start:
        return "it takes a connector that can be started and killed; use --command instead of --endpoint"
    return None


def _given(case: Case, path: str) -> bool:
    value: Any = case
    for name in path.split("."):
        value = attrgetter(name)(value) if value is not None else None
    return value is not None and value != []
