"""The images of source-postgres and destination-s3, judged on real servers: restarts, kills, drains, limits, secrets.

By default they are judged by some checks that start, end, measure or search a container. Most of the others see nothing
but the socket, behind which image and program are the same. With TOWPATH_CONFORMANCE_IMAGES=whole they are judged by
all of them, which takes minutes.
"""

from __future__ import annotations

import os
from pathlib import Path

from conformance_database import create_database, database_case, locked
from conformance_store import lake_case, silent_store
from fix_docker import DockerEngine
from fix_postgres import Database
from towpath_conformance import CHECKS, Case, Outcome, judge
from towpath_conformance.runner import Report
from towpath_conformance.targets.image import ImageTarget
from towpath_local.embedded.s3 import EmbeddedS3

_CHOSEN = (
    "handshake.token-required",
    "state.in-another-process",
    "write.committed-durable",
    "fault.cancel-frees",
    "fault.sigterm-drains",
    "fault.sigterm-commits",
    "fault.parent-dies",
    "limit.batch-size",
    "secrecy.output",
    "secrecy.temporary-files",
)
_WHOLE = os.environ.get("TOWPATH_CONFORMANCE_IMAGES") == "whole"


async def _judged(image: str, case: Case) -> Report:
    """Judge an image on the network of this machine, where the servers of tests are."""
    case = case.model_copy(update={"patience": case.patience.model_copy(update={"ready_seconds": 90})})
    checks = None if _WHOLE else [CHECKS[check_id] for check_id in _CHOSEN]
    return await judge(ImageTarget(image, network="host"), case, checks=checks, seed=7, at_once=3)


def _assert_passed(report: Report) -> None:
    broken = {v.check_id: v.message for v in report.verdicts if v.outcome in (Outcome.FAIL, Outcome.ERROR)}
    assert broken == {}
    skipped = {v.check_id: v.message for v in report.verdicts if v.outcome is Outcome.SKIP}
    assert {check_id for check_id, why in skipped.items() if "does not declare" not in why} == set(), skipped


async def test_the_image_of_source_postgres_passes(
    docker_engine: DockerEngine, postgres_database: Database, tmp_path: Path
) -> None:
    """It is what a platform runs: a resumed read begins in another container than it ended in."""
    image = docker_engine.connector("source-postgres")
    case = database_case(postgres_database, create_database(postgres_database, tmp_path), tmp_path)
    with locked(postgres_database):
        _assert_passed(await _judged(image, case))


async def test_the_image_of_destination_s3_passes(
    docker_engine: DockerEngine, s3: EmbeddedS3, s3_bucket: str, tmp_path: Path
) -> None:
    """Likewise: what a killed container has left is taken up by the next one."""
    image = docker_engine.connector("destination-s3")
    with silent_store() as silent:
        _assert_passed(await _judged(image, lake_case(s3, s3_bucket, silent, tmp_path)))
