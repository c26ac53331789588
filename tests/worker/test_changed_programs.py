"""The next connector runs the program that is there, whatever was imported for the ones before it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest
from forked_programs import WriteProgram, launch_of, parent, processes, title
from running_pids import only_forks
from towpath_worker.launch import ProcessLauncher, RunDir, fork_server
from worker_rig import until


async def test_program_that_was_changed_is_started_anew(
    launcher: ProcessLauncher, program: WriteProgram, run_dir: RunDir
) -> None:
    """After an upgrade the next job runs the new version; connectors of the old one may finish."""
    path = program("Former")
    async with launcher.launch(launch_of(path)) as former:
        program("Latter")
        async with launcher.launch(launch_of(path)) as latter:
            assert await title(latter) == "Latter"
            assert await title(former) == "Former"
        old = parent(former)
    until(lambda: not old.is_running() or old.status() == psutil.STATUS_ZOMBIE, "the old program is gone")
    assert len(processes(run_dir)) == 1


async def test_program_that_was_replaced_by_one_of_the_same_age_is_started_anew(
    launcher: ProcessLauncher, program: WriteProgram
) -> None:
    """Installers of some systems give every file the same time."""
    path, other = program("Former"), program("Latter", name="other.py")
    for file in (path, other):
        os.utime(file, (1e9, 1e9))
    async with launcher.launch(launch_of(path)) as running:
        assert await title(running) == "Former"
    other.replace(path)
    async with launcher.launch(launch_of(path)) as running:
        assert await title(running) == "Latter"


async def test_script_around_a_program_that_was_changed_is_started_anew(
    launcher: ProcessLauncher, program: WriteProgram, tmp_path: Path
) -> None:
    """No module knows of it, but the command does."""
    script = tmp_path / "connector"
    for name in ("Former", "Latter"):
        path = program(name, name=f"{name}.py")
        script.write_text(f"#!/bin/sh\nexec {sys.executable} {path}\n")
        script.chmod(0o755)
        async with launcher.launch(launch_of(script)) as running:
            assert await title(running) == name
            assert only_forks(parent(running).pid)


async def test_program_that_was_changed_while_it_was_imported_is_not_forked(
    launcher: ProcessLauncher, program: WriteProgram
) -> None:
    """An upgrade that is under way: nobody could tell later that what was imported is not what is there."""
    path = program("Former", before="time.sleep(0.1); os.utime(__file__)")
    async with launcher.launch(launch_of(path)) as running:
        assert parent(running).pid == os.getpid()
    program("Latter")
    async with launcher.launch(launch_of(path)) as running:
        assert await title(running) == "Latter"


async def test_program_is_started_anew_from_time_to_time(
    launcher: ProcessLauncher, program: WriteProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it read before it served, or today's date, does not stay for ever; connectors that run go on."""
    monkeypatch.setattr(fork_server, "_LONGEST_SECONDS", 0.5)
    path = program()
    async with launcher.launch(launch_of(path)) as first:
        await asyncio.sleep(0.6)
        async with launcher.launch(launch_of(path)) as second:
            former = parent(first)
            assert former.pid != parent(second).pid
            assert only_forks(former.pid)
            assert only_forks(parent(second).pid)
            assert await title(first) == await title(second) == "Empty"
    until(lambda: not former.is_running() or former.status() == psutil.STATUS_ZOMBIE, "the old program is gone")
