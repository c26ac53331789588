"""What a killed test run leaves in memory must not stop the next one."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SCRIPT = Path(__file__).parents[2] / "scripts" / "remove-run.sh"


def test_a_folder_goes_in_which_a_docker_engine_had_mounted_something(tmp_path: Path) -> None:
    """An engine that is killed leaves its mounts: one in another, and names of networks."""
    run = tmp_path / "t-Xy z"
    (run / "engine" / "data" / "layer").mkdir(parents=True)
    steps = """
        mount -t tmpfs none "$1/engine/data" && mkdir "$1/engine/data/layer" && mount -t tmpfs none "$1/engine/data/layer"
        "$2" "$1"
    """
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "bash", "-euc", steps, "-", run, _SCRIPT],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr, run.exists()) == (0, "", False)


def test_what_cannot_go_is_said_and_stops_nothing(tmp_path: Path) -> None:
    """The next run has a folder of its own: it can do without the space."""
    run = tmp_path / "run"
    (run / "held").mkdir(parents=True)
    steps = """
        mount -t tmpfs none "$1/held"
        setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$2" "$1"
    """
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "bash", "-euc", steps, "-", run, _SCRIPT],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert f"still mounted there: {run}" in done.stderr
