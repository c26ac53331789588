"""source-postgres keeps the protocol, on a real server."""

from __future__ import annotations

from pathlib import Path

from conformance_database import create_database, database_case, locked
from conformance_processes.nursery import forked
from fix_postgres import Database
from towpath_conformance import Outcome, judge


async def test_source_postgres_passes_every_check_of_what_it_declares(
    postgres_database: Database, tmp_path: Path
) -> None:
    """A rule that our own source breaks is one that others will find hard to keep."""
    case = database_case(postgres_database, create_database(postgres_database, tmp_path), tmp_path)
    with locked(postgres_database):
        target = forked("towpath_source_postgres.__main__")
        report = await judge(target, case, seed=7, at_once=6)
    broken = {v.check_id: v.message for v in report.verdicts if v.outcome in (Outcome.FAIL, Outcome.ERROR)}
    assert broken == {}
    skipped = {v.check_id: v.message for v in report.verdicts if v.outcome is Outcome.SKIP}
    assert {check_id for check_id, why in skipped.items() if "does not declare" not in why} == set(), skipped
