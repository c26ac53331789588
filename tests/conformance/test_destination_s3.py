"""destination-s3 keeps the protocol, on a real server."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance_lake import METADATA
from towpath_conformance import Case, CommandTarget, Outcome, judge
from towpath_local.embedded.ports import free_port
from towpath_local.embedded.s3 import EmbeddedS3


@pytest.fixture
def silent_store() -> Iterator[str]:
    """Address of a store that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def lake_case(s3: EmbeddedS3, bucket: str, silent_store: str, folder: Path) -> Case:
    """How it is judged in about a minute."""
    return Case.model_validate(
        {
            "config": {
                "bucket": bucket,
                "prefix": "lake",
                "endpoint": s3.endpoint,
                "region": s3.region,
                "path_style": True,
                "access_key_id": s3.access_key,
                "secret_access_key": s3.secret_key,
            },
            "invalid": [
                {
                    "name": "wrong secret",
                    "kind": "credentials",
                    "set": {"secret_access_key": "wrong"},
                    "fails": {"probe": "bucket"},
                },
                {
                    "name": "unreachable store",
                    "kind": "unreachable",
                    "set": {"endpoint": f"http://127.0.0.1:{free_port()}"},
                    "fails": {"probe": "bucket"},
                },
                {"name": "missing bucket", "set": {"bucket": "no-such-bucket"}, "fails": {"probe": "bucket"}},
                {"name": "relative prefix", "set": {"prefix": "a/../b"}, "fails": {"field": "prefix"}},
            ],
            "destination": {
                "read_back": {"plugin": "conformance_lake:read_back"},
                "metadata_columns": METADATA,
                "rejects": {"timestamp[s]": 2**63 - 1},
                "blocked_set": {"endpoint": silent_store},
            },
            "patience": {
                "slow_reader_seconds": 2,
                "idle_seconds": 6,
                "blocked_seconds": 0.5,
                "cycles": 12,
                "bit_flips": 60,
                "kills": 4,
            },
            "folder": folder,
        }
    )


async def test_destination_s3_passes_every_check_of_what_it_declares(
    s3: EmbeddedS3, s3_bucket: str, silent_store: str, tmp_path: Path
) -> None:
    """A rule that our own destination breaks is one that others will find hard to keep."""
    target = CommandTarget([sys.executable, "-m", "towpath_destination_s3"])
    report = await judge(target, lake_case(s3, s3_bucket, silent_store, tmp_path), seed=7, at_once=6)
    broken = {v.check_id: v.message for v in report.verdicts if v.outcome in (Outcome.FAIL, Outcome.ERROR)}
    assert broken == {}
    skipped = {v.check_id: v.message for v in report.verdicts if v.outcome is Outcome.SKIP}
    assert {check_id for check_id, why in skipped.items() if "does not declare" not in why} == set(), skipped
