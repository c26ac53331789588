"""destination-local keeps the protocol, by the case file that lies beside it."""

from __future__ import annotations

from pathlib import Path

from conformance_processes.nursery import forked
from towpath_conformance import Outcome, judge
from towpath_conformance.case import Patience, load_case

CASE = Path(__file__).parents[2] / "connectors/destination-local/conformance.yaml"
QUICK = Patience(slow_reader_seconds=2, idle_seconds=6, blocked_seconds=0.5, cycles=12, bit_flips=60, kills=6)


async def test_destination_local_passes_every_check_of_what_it_declares(tmp_path: Path) -> None:
    """It is the destination that others compare theirs with."""
    case = load_case(CASE, {"TMPDIR": str(tmp_path)}).model_copy(update={"patience": QUICK})
    target = forked("towpath_destination_local.__main__")
    report = await judge(target, case, seed=7, at_once=6)
    broken = {v.check_id: v.message for v in report.verdicts if v.outcome in (Outcome.FAIL, Outcome.ERROR)}
    assert broken == {}
    skipped = {v.check_id: v.message for v in report.verdicts if v.outcome is Outcome.SKIP}
    assert {check_id for check_id, why in skipped.items() if "does not declare" not in why} == set(), skipped
