"""destination-s3 keeps the protocol, on a real server."""

from __future__ import annotations

from pathlib import Path

from conformance_processes.nursery import forked
from conformance_store import lake_case, silent_store
from towpath_conformance import Outcome, judge
from towpath_local.embedded.s3 import EmbeddedS3


async def test_destination_s3_passes_every_check_of_what_it_declares(
    s3: EmbeddedS3, s3_bucket: str, tmp_path: Path
) -> None:
    """A rule that our own destination breaks is one that others will find hard to keep."""
    target = forked("towpath_destination_s3.__main__")
    with silent_store() as silent:
        report = await judge(target, lake_case(s3, s3_bucket, silent, tmp_path), seed=7, at_once=6)
    broken = {v.check_id: v.message for v in report.verdicts if v.outcome in (Outcome.FAIL, Outcome.ERROR)}
    assert broken == {}
    skipped = {v.check_id: v.message for v in report.verdicts if v.outcome is Outcome.SKIP}
    assert {check_id for check_id, why in skipped.items() if "does not declare" not in why} == set(), skipped
