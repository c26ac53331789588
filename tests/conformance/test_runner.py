"""The runner: what is judged when, and what becomes of a check that cannot say anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from conformance_mutants.mutant import InProcessTarget
from conformance_mutants.proxy import Relayed
from conformance_program import LineSource
from towpath_conformance import runner
from towpath_conformance.actions import ActionFailed
from towpath_conformance.case import Case
from towpath_conformance.registry import ACKS, DESTINATION, SOURCE, Check, CheckFunction, Group
from towpath_conformance.runner import judge
from towpath_conformance.targets.port import Instance, StartFailed
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Outcome, Verdict, expect, fail, skip

TARGET = InProcessTarget(LineSource, lambda _: Relayed())


@pytest.fixture
def case(tmp_path: Path) -> Case:
    (tmp_path / "lines").write_text("one\ntwo\n")
    config = {"path": str(tmp_path / "lines"), "password": "hunter22"}
    return Case.model_validate({"config": config, "source": {"streams": [{"name": "lines"}]}, "folder": tmp_path})


async def passes(trial: Trial) -> None:
    del trial


def a_check(name: str, run: CheckFunction = passes, **more: Any) -> Check:
    return Check(f"read.{name}", Group.READ, "rule", "why", "fix", run, **more)


async def verdict(case: Case, check: Check, target: Any = TARGET) -> tuple[Outcome, str]:
    (only,) = (await judge(target, case, checks=[check])).verdicts
    return only.outcome, only.message


@pytest.mark.parametrize(
    ("raises", "outcome", "message"),
    [
        (lambda: None, Outcome.PASS, ""),
        (lambda: fail("seen 1, should be 2"), Outcome.FAIL, "seen 1, should be 2"),
        (lambda: expect(condition=False, message="no"), Outcome.FAIL, "no"),
        (lambda: skip("nothing to see"), Outcome.SKIP, "nothing to see"),
        (lambda: _raise(ActionFailed("psql is away")), Outcome.ERROR, "the case file: psql is away"),
        (lambda: _raise(StartFailed("it ended")), Outcome.FAIL, "it ended"),
        (lambda: _raise(KeyError("x")), Outcome.ERROR, "the check itself is broken: KeyError: 'x'"),
        (lambda: fail("the password is hunter22"), Outcome.FAIL, "the password is ***"),
    ],
    ids=["passes", "fails", "expects", "skips", "action", "start", "bug", "secret"],
)
async def test_a_check_ends_in_one_of_four_ways(case: Case, raises: Any, outcome: Outcome, message: str) -> None:
    """ERROR is nobody's verdict on the connector: the case file or the check itself has to be mended first."""

    async def run(trial: Trial) -> None:
        del trial
        raises()

    assert await verdict(case, a_check("x", run)) == (outcome, message)


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("check", "outcome", "message"),
    [
        (a_check("x", needs=[SOURCE]), Outcome.PASS, ""),
        (a_check("x", needs=[DESTINATION]), Outcome.SKIP, "the connector does not declare the destination role"),
        (a_check("x", needs=[SOURCE, ACKS]), Outcome.SKIP, "the connector does not declare needs_acks"),
        (a_check("x", inputs=["source.large"]), Outcome.SKIP, "the case file does not give `source.large`"),
        (a_check("x", inputs=["invalid"]), Outcome.SKIP, "the case file does not give `invalid`"),
        (a_check("x", inputs=["source.streams"]), Outcome.PASS, ""),
        (
            a_check("x", process=True),
            Outcome.SKIP,
            "it takes a connector that can be started and killed; use --command instead of --endpoint",
        ),
    ],
    ids=["role", "no role", "no capability", "no input", "empty input", "input", "process"],
)
async def test_what_does_not_apply_is_skipped_with_its_reason(
    case: Case, check: Check, outcome: Outcome, message: str
) -> None:
    """A reader has to know whether that is as it should be, or something to complete."""
    assert await verdict(case, check) == (outcome, message)


class _HoldsBack(LineSource):
    needs_acks = True


async def test_a_declared_capability_that_cannot_be_judged_is_a_failure(case: Case) -> None:
    """Otherwise a connector could declare what it likes and leave the case file empty."""
    target = InProcessTarget(_HoldsBack, lambda _: Relayed())
    outcome, message = await verdict(case, a_check("x", needs=[SOURCE, ACKS], inputs=["source.held"]), target)
    assert outcome is Outcome.FAIL
    assert message == (
        "the connector declares needs_acks, and it cannot be judged: the case file does not give `source.held`"
    )
    outcome, message = await verdict(case.model_copy(update={"source": None}), a_check("x", needs=[SOURCE]), target)
    assert outcome is Outcome.FAIL
    assert message == "the connector declares the source role, and the case file has no `source` to judge it with"


async def test_a_check_that_does_not_end_fails(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs must not take the whole run with it."""
    monkeypatch.setattr(runner, "_CHECK_SECONDS", 0.2)

    async def run(trial: Trial) -> None:
        del trial
        await asyncio.sleep(60)

    assert await verdict(case, a_check("x", run)) == (Outcome.FAIL, "the check was not done within 0.2 s")


@dataclass
class _Gauge:
    """How many checks run at a time, and in which order they began."""

    now: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        self.began: list[str] = []
        self.beside: dict[str, int] = {}

    def check(self, name: str, **more: Any) -> Check:
        async def run(trial: Trial) -> None:
            del trial
            self.began.append(name)
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.05)
            self.beside[name] = self.now - 1
            self.now -= 1

        return a_check(name, run, **more)


async def test_checks_run_beside_one_another_and_measurements_alone(case: Case) -> None:
    """What measures must not measure its neighbours; what changes the rows comes after who reads them."""
    gauge = _Gauge()
    checks = [
        gauge.check("changing", changes=True),
        gauge.check("alone", alone=True),
        *(gauge.check(f"quick-{number}") for number in range(5)),
        gauge.check("slow", slow=True),
    ]
    report = await judge(TARGET, case, checks=checks, at_once=3)
    assert gauge.most == 3
    assert gauge.began[0] == "slow", "it takes longest, so that the others fill the places beside it"
    assert gauge.began[-2:] == ["alone", "changing"]
    assert gauge.beside["alone"] == gauge.beside["changing"] == 0
    assert [one.check_id for one in report.verdicts] == [one.id for one in checks], "reported in the order of judgement"


async def test_progress_is_told_step_by_step(case: Case) -> None:
    """A display needs the plan, every beginning and every end, the end with its verdict."""
    told: list[object] = []
    checks = [a_check("a", alone=True), a_check("b", alone=True)]
    await judge(
        TARGET,
        case,
        checks=checks,
        on_plan=lambda plan: told.append([one.id for one in plan]),
        on_begin=lambda check: told.append(check.id),
        on_verdict=lambda check, verdict: told.append((check.id, verdict.outcome)),
    )
    assert told == [
        ["read.a", "read.b"],
        "read.a",
        ("read.a", Outcome.PASS),
        "read.b",
        ("read.b", Outcome.PASS),
    ]


async def test_a_seed_gives_each_check_the_same_numbers_whatever_runs_beside_it(case: Case) -> None:
    """Or the command that repeats a check alone would repeat another one."""
    drawn: dict[tuple[int, int], float] = {}

    def draws(run: int, seed: int) -> Check:
        async def draw(trial: Trial) -> None:
            drawn[run, seed] = trial.random("read.x").random()

        return a_check("x", draw)

    async def draws_too(trial: Trial) -> None:
        trial.random("read.other").random()

    await judge(TARGET, case, checks=[draws(1, 5)], seed=5)
    await judge(TARGET, case, checks=[a_check("other", draws_too), draws(2, 5)], seed=5)
    await judge(TARGET, case, checks=[draws(1, 6)], seed=6)
    assert drawn[1, 5] == drawn[2, 5] != drawn[1, 6]


async def test_only_a_check_that_fails_shows_its_messages(case: Case) -> None:
    """And those that it shares with others too: a recording is made once, and judged by many."""

    async def reads(trial: Trial) -> None:
        await trial.readings()

    async def reads_and_fails(trial: Trial) -> None:
        await trial.readings()
        fail("no")

    report = await judge(TARGET, case, checks=[a_check("a", reads), a_check("b", reads_and_fails)])
    passed, failed = report.verdicts
    assert passed.exchanged == ()
    assert any("-> Read open" in line for line in failed.exchanged)
    assert any("<- Read finished" in line for line in failed.exchanged)
    assert not any("hunter22" in line for line in failed.exchanged)


async def test_what_seeds_the_system_runs_before_the_connector_is_asked_anything(case: Case, tmp_path: Path) -> None:
    """And when it fails there is no verdict at all."""
    seed = {"command": ["python", "-c", "open('seeded', 'w').write('x')"]}
    seeded = Case.model_validate(
        {**case.model_dump(mode="json"), "folder": tmp_path, "source": {"streams": [{"name": "lines"}], "seed": seed}}
    )
    assert (await verdict(seeded, a_check("x")))[0] is Outcome.PASS
    assert (tmp_path / "seeded").read_text() == "x"
    bad = {"command": ["python", "-c", "exit('cannot log in as hunter22')"]}
    broken = Case.model_validate(
        {**seeded.model_dump(mode="json"), "folder": tmp_path, "source": {"streams": [{"name": "lines"}], "seed": bad}}
    )
    with pytest.raises(ActionFailed, match=r"cannot log in as \*\*\*"):
        await verdict(broken, a_check("x"))


@dataclass(frozen=True)
class _NeverReady:
    name: str = "never"
    can_start: bool = True

    @asynccontextmanager
    async def start(
        self, ready_seconds: float, *, environ: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Instance]:
        del environ
        raise StartFailed(f"not within {ready_seconds:g} s; it printed: hunter22 \x1b[31m")
        yield


async def test_a_connector_that_cannot_be_started_has_no_verdict(case: Case) -> None:
    """Ninety failures that all say the same would hide the one thing to mend."""
    with pytest.raises(StartFailed, match="not within 15 s; it printed: \\*\\*\\* \ufffd"):
        await judge(_NeverReady(), case, checks=[a_check("x")])


async def test_verdicts_are_of_the_connector_that_was_asked(case: Case) -> None:
    """The head of a report is what its reader trusts."""
    report = await judge(TARGET, case, checks=[a_check("x")], seed=9)
    assert (report.connector_id, report.connector_version, report.title) == (
        "com.example.source-lines",
        "1.2.3",
        "Lines",
    )
    assert (report.roles, report.seed, report.target) == (["source"], 9, "in this process")
    assert replace(report, verdicts=[]).passed is False
    assert [type(one) for one in report.verdicts] == [Verdict]
