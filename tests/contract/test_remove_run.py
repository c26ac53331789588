"""What a killed test run leaves in memory must not stop the next one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from fix_requirements import missing

_SCRIPT = Path(__file__).parents[2] / "scripts" / "remove-run.sh"


def _with_own_mounts(steps: str, folder: str | Path) -> subprocess.CompletedProcess[str]:
    """Run steps of bash in a namespace of mounts: `$1` is the folder, `$2` the script."""
    apart = ["unshare", "--map-root-user", "--mount"]
    able = subprocess.run([*apart, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True, check=False)
    if able.returncode:
        missing("a namespace of mounts", able.stderr.strip())
    command = [*apart, "bash", "-euc", steps, "-", folder, _SCRIPT]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_folder_goes_in_which_a_docker_engine_had_mounted_something(tmp_path: Path) -> None:
    """An engine that is killed leaves its mounts, one in another."""
    run = tmp_path / "t-Xy z"
    (run / "data").mkdir(parents=True)
    done = _with_own_mounts(
        """
        mount -t tmpfs none "$1/data"
        mkdir "$1/data/layer"
        mount -t tmpfs none "$1/data/layer"
        "$2" "$1"
        """,
        run,
    )
    assert (done.returncode, done.stderr, run.exists()) == (0, "", False)


def test_what_cannot_go_is_said_and_stops_nothing(tmp_path: Path) -> None:
    """The next run has a folder of its own: it can do without the space."""
    run = tmp_path / "run"
    (run / "held").mkdir(parents=True)
    done = _with_own_mounts(
        """
        mount -t tmpfs none "$1/held"
        setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$2" "$1"
        """,
        run,
    )
    assert done.returncode == 0
    assert f"still mounted there: {run}" in done.stderr


@pytest.mark.parametrize("folder", ["", "/nowhere/t-nothing"], ids=["none", "one that is not there"])
def test_without_a_folder_nothing_is_unmounted(folder: str) -> None:
    """Everything is mounted below the empty name."""
    steps = 'before=$(cat /proc/self/mounts); "$2" "$1"; [ "$before" = "$(cat /proc/self/mounts)" ]'
    done = _with_own_mounts(steps, folder)
    assert (done.returncode, done.stderr) == (0, "")
