"""Every check can fail: for each there is a connector with exactly one defect, and it fails exactly that check."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import pytest
from conformance_mutants.every import MUTANTS
from conformance_mutants.good_destination import destination_case, good_destination
from conformance_mutants.good_source import good_source, source_case
from conformance_mutants.mutant import InProcessTarget, Mutant, Part, Role, process_target
from conformance_mutants.proxy import Relayed
from conformance_mutants.reach import Reach, reach_of
from towpath_conformance import CHECKS, Case, Check, Outcome, Report, judge
from towpath_conformance.targets import Target

_ATTEMPTS = 3
"""Checks bound times, and a busy machine breaks a bound by chance; a defect fails its check every time."""

GOOD = {"source": good_source, "destination": good_destination}
CASES = {"source": source_case, "destination": destination_case}
MIXED = sorted(MUTANTS, key=lambda mutant: crc32(mutant.name.encode()))
"""Those that wait stand among those that compute, so that neither are judged all at once."""
_reaches: dict[Role, Reach] = {}


def ended(report: Report, *outcomes: Outcome) -> dict[str, str]:
    """Ids of the checks that ended so, and what they said."""
    return {verdict.check_id: verdict.message for verdict in report.verdicts if verdict.outcome in outcomes}


async def verdicts(target: Target, case: Case, checks: Sequence[Check] | None = None) -> Report:
    """Judge by every check that concerns the connector, or by some."""
    return await judge(target, case, checks=checks, seed=7, at_once=8)


async def reach_for(role: Role, folder: Path) -> Reach:
    """What each check exchanges; found out once for each role, in a folder that the processes of pytest share."""
    if role not in _reaches:
        with (folder / f"reach-{role}").open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if not (known := file.read()):
                with TemporaryDirectory() as place:
                    reach = await reach_of(InProcessTarget, GOOD[role], CASES[role](Path(place)))
                file.write(known := pickle.dumps(reach))
            _reaches[role] = pickle.loads(known)  # noqa: S301 of our own making
    return _reaches[role]


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all processes of this run of pytest."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


async def best_of(target: Target, role: str, tmp_path: Path) -> Report:
    """Judge a good connector until nothing fails, at most three times."""
    attempt = 1
    while True:
        (folder := tmp_path / str(attempt)).mkdir()
        report = await verdicts(target, CASES[role](folder))
        if attempt == _ATTEMPTS or not ended(report, Outcome.FAIL, Outcome.ERROR):
            return report
        attempt += 1


@pytest.mark.parametrize("role", ["source", "destination"])
async def test_good_connector_fails_nothing(role: Role, tmp_path: Path) -> None:
    """Otherwise nobody could say which defect a mutant fails for."""
    good: Part = GOOD[role]()
    report = await best_of(InProcessTarget(lambda: good, lambda _: Relayed()), role, tmp_path)
    assert ended(report, Outcome.FAIL, Outcome.ERROR) == {}


@pytest.mark.parametrize("role", ["source", "destination"])
async def test_good_connector_in_a_process_of_its_own_fails_nothing(role: Role, tmp_path: Path) -> None:
    """The checks that kill, signal and measure run only here; nothing is skipped but what it does not declare."""
    report = await best_of(process_target(role, "none"), role, tmp_path)
    assert ended(report, Outcome.FAIL, Outcome.ERROR) == {}
    skipped = ended(report, Outcome.SKIP)
    assert {check_id for check_id, why in skipped.items() if "does not declare" not in why} == set(), skipped


@pytest.mark.parametrize("mutant", MIXED, ids=[f"{mutant.check_id}: {mutant.name}" for mutant in MIXED])
async def test_mutant_fails_exactly_its_check(mutant: Mutant, shared_folder: Path, tmp_path: Path) -> None:
    """A check that passes a broken connector protects nobody; one that fails for another's rule misleads its author."""
    failed: dict[str, str] = {}
    checks = mutant.judged_by(Reach() if mutant.within else await reach_for(mutant.role, shared_folder))
    for attempt in range(_ATTEMPTS):
        failed = {}
        for place, (target, some) in enumerate(mutant.targets(GOOD[mutant.role], checks)):
            (folder := tmp_path / f"{attempt}-{place}").mkdir()
            report = await verdicts(target, mutant.spoil(CASES[mutant.role](folder)), some)
            failed |= ended(report, Outcome.FAIL, Outcome.ERROR)
        if set(failed) == {mutant.check_id}:
            return
    assert set(failed) == {mutant.check_id}, failed


def test_every_check_has_a_mutant() -> None:
    """A check without its broken connector does not ship."""
    assert {mutant.check_id for mutant in MUTANTS} == set(CHECKS)
