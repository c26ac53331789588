"""A store for judging destination-s3, and the case that it is judged with."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from conformance_lake import METADATA
from towpath_conformance import Case
from towpath_local.embedded.ports import free_port
from towpath_local.embedded.s3 import EmbeddedS3

__all__ = ["lake_case", "silent_store"]


@contextmanager
def silent_store() -> Generator[str]:
    """Run a store that takes connections and never answers; yield its address."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def lake_case(s3: EmbeddedS3, bucket: str, silent: str, folder: Path) -> Case:
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
                "blocked_set": {"endpoint": silent},
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
