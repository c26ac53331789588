"""What `check` of destination-local says of a folder."""

from __future__ import annotations

from pathlib import Path

from towpath_destination_local.destination import LocalDestination
from towpath_sdk.testing import connector_under_test


def test_path_below_a_file_fails_at_the_probe_of_the_folder(tmp_path: Path) -> None:
    """The user has to change the path, and is told so; "cannot write" would send them to permissions."""
    (tmp_path / "a file").write_text("")
    with connector_under_test(LocalDestination()) as connector:
        results = connector.check({"path": str(tmp_path / "a file" / "out")})
    failed = {result.probe: result.failure for result in results if result.failure is not None}
    assert {probe: failure.reason for probe, failure in failed.items()} == {"folder": "NO_FOLDER"}
