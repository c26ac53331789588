"""What a check says of a folder, and that it leaves nothing behind."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from destination_local_steps import config_of, running_destination
from towpath_destination_local.disk import translated
from towpath_sdk import Denied, Misconfigured, TowpathError, Unavailable


def failures(config: dict[str, Any]) -> dict[str, TowpathError | None]:
    with running_destination() as destination:
        return {result.probe: result.failure for result in destination.check(config)}


def test_check_of_a_folder_that_is_missing_goes_well_and_makes_nothing(tmp_path: Path) -> None:
    """It is made by the first job; a check of a mistyped path must not litter."""
    assert failures(config_of(tmp_path)) == {"folder": None, "write": None}
    assert list(tmp_path.iterdir()) == []


def test_path_below_a_file_fails_at_the_folder(tmp_path: Path) -> None:
    """The message names the file that stands in the way."""
    (tmp_path / "out").write_text("")
    found = failures({"path": str(tmp_path / "out" / "deeper")})
    assert isinstance(found["folder"], Misconfigured)
    assert str(tmp_path / "out") in found["folder"].message
    assert list(found) == ["folder"]


@pytest.mark.parametrize("path", ["out", "./out", "/data/../etc"])
def test_path_that_depends_on_where_a_worker_runs_is_refused(path: str) -> None:
    """Two workers would write to two folders."""
    with running_destination() as destination, pytest.raises(Misconfigured) as failure:
        destination.check({"path": path})
    assert list(failure.value.fields) == ["path"]


@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        (errno.EACCES, Denied, "EACCES"),
        (errno.EPERM, Denied, "EPERM"),
        (errno.ENOSPC, Misconfigured, "ENOSPC"),
        (errno.EDQUOT, Misconfigured, "EDQUOT"),
        (errno.EROFS, Misconfigured, "EROFS"),
        (errno.ENAMETOOLONG, Misconfigured, "ENAMETOOLONG"),
        (errno.EIO, Unavailable, "EIO"),
        (errno.ESTALE, Unavailable, "ESTALE"),
    ],
)
def test_failures_of_the_disk_say_whose_problem_they_are(number: int, kind: type[TowpathError], reason: str) -> None:
    """A full disk is the user's to mend, a network folder that hangs may come back by itself."""
    with pytest.raises(kind, match="writing to /data") as failure, translated("writing to /data"):
        raise OSError(number, "whatever the system says")
    assert (type(failure.value), failure.value.reason) == (kind, reason)
