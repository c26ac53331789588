from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
from orphans import DEAF_PROGRAM, ends_within, orphan
from towpath_local.embedded.errors import ServerExited, ServerNotReady
from towpath_local.embedded.process import Command, SupervisedProcess


def program(tmp_path: Path, script: str, stop_seconds: int = 10) -> Command:
    return Command(name="Program", argv=[sys.executable, "-c", script], log=tmp_path / "log", stop_seconds=stop_seconds)


def wait_for(log: Path, word: str) -> None:
    deadline = time.monotonic() + 20
    while word not in log.read_text():
        assert time.monotonic() < deadline, f"{word!r} never came"
        time.sleep(0.02)


def direct_children() -> set[psutil.Process]:
    """The program and its watchdog, while they are there. Servers of other tests have descendants that come and go."""
    return set(psutil.Process().children())


def test_program_dies_with_its_parent_even_when_it_ignores_sigterm(tmp_path: Path) -> None:
    """A developer who kills `towpath up` must not collect servers in the background."""
    pid = orphan("deaf", tmp_path)
    assert ends_within(pid, 5)


def test_program_that_ignores_sigterm_is_killed_after_its_time(tmp_path: Path) -> None:
    """Ctrl-C ends everything within a known time."""
    process = SupervisedProcess(program(tmp_path, DEAF_PROGRAM, stop_seconds=1))
    wait_for(tmp_path / "log", "deaf")
    assert process.stop() == -signal.SIGKILL


def test_stopping_leaves_no_child_and_no_zombie(tmp_path: Path) -> None:
    """Neither the program nor its watchdog may stay, nor wait to be reaped."""
    before = direct_children()
    process = SupervisedProcess(program(tmp_path, "import time; time.sleep(600)"))
    assert process.exit_status() is None
    process.stop()
    assert direct_children() <= before


def test_watchdog_goes_when_the_program_ends_by_itself(tmp_path: Path) -> None:
    """A watchdog that stayed could signal a stranger with the same process id."""
    before = direct_children()
    process = SupervisedProcess(program(tmp_path, "raise SystemExit(3)"))
    while process.exit_status() is None:
        time.sleep(0.02)
    assert process.exit_status() == 3
    assert direct_children() <= before


def test_grandchildren_die_when_the_program_is_killed(tmp_path: Path) -> None:
    """Also those in a session of their own, as PostgreSQL's backends are."""
    script = (
        "import subprocess, time; p = subprocess.Popen(['sleep', '600'], start_new_session=True); "
        "print('child', p.pid, flush=True); time.sleep(600)"
    )
    process = SupervisedProcess(program(tmp_path, script))
    wait_for(tmp_path / "log", "\n")
    grandchild = int((tmp_path / "log").read_text().split()[1])
    process.kill()
    assert ends_within(grandchild, 2)


def test_early_end_is_reported_with_the_log(tmp_path: Path) -> None:
    """The reason of a failed start stands in the server's log, which nobody looks for."""
    process = SupervisedProcess(program(tmp_path, "print('no disk'); raise SystemExit(7)"))
    with pytest.raises(ServerExited, match=r"Program ended with status 7 at start(.|\n)*no disk"):
        process.wait_until_ready(lambda: "not listening", 20)


def test_late_program_is_reported_with_the_last_refusal(tmp_path: Path) -> None:
    """A start that hangs says what it waited for."""
    process = SupervisedProcess(program(tmp_path, "import time; time.sleep(600)"))
    try:
        with pytest.raises(ServerNotReady, match=r"Program was not ready after 0\.2 s: not listening"):
            process.wait_until_ready(lambda: "not listening", 0.2)
    finally:
        process.stop()


def test_only_the_log_of_this_start_is_quoted(tmp_path: Path) -> None:
    """An old failure in the same log would mislead."""
    (tmp_path / "log").write_text("yesterday's failure\n")
    process = SupervisedProcess(program(tmp_path, "raise SystemExit(7)"))
    with pytest.raises(ServerExited) as raised:
        process.wait_until_ready(lambda: "not listening", 20)
    assert "yesterday" not in str(raised.value)


def test_missing_program_is_reported(tmp_path: Path) -> None:
    """The shell's own words reach the error."""
    process = SupervisedProcess(Command(name="Nothing", argv=["/does/not/exist"], log=tmp_path / "log"))
    with pytest.raises(ServerExited, match="/does/not/exist"):
        process.wait_until_ready(lambda: "not listening", 20)


def test_environment_is_not_in_the_representation(tmp_path: Path) -> None:
    """Secrets are passed there, and commands are logged."""
    command = Command(name="Program", argv=["true"], log=tmp_path / "log", environment={"PASSWORD": "hunter2"})
    assert "hunter2" not in repr(command)
