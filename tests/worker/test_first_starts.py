"""The first process of a program, of which nobody knows yet whether it forks, serves, hangs or ends."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from forked_programs import WriteProgram, launch_of, parent, processes, title
from running_pids import only_forks
from towpath_sdk.errors import TowpathError, Unavailable
from towpath_worker.launch import ProcessLauncher, RunDir


async def test_program_that_ends_at_its_first_start_is_asked_again(
    launcher: ProcessLauncher, program: WriteProgram, tmp_path: Path
) -> None:
    """What failed once, because a file was missing, may well be forked the next time."""
    needed = tmp_path / "needed"
    path = program(before=f"os.stat({str(needed)!r})")
    with pytest.raises(TowpathError, match="FileNotFoundError"):
        async with launcher.launch(launch_of(path)):
            pass
    needed.touch()
    async with launcher.launch(launch_of(path)) as running:
        assert only_forks(parent(running).pid)


async def test_program_that_hangs_is_stopped_in_time_and_says_what_it_printed(
    run_dir: RunDir, program: WriteProgram
) -> None:
    """Its first start is waited for as long as any other."""
    launcher = ProcessLauncher(run_dir, os.environ, start_timeout=2)
    path = program(before="print('waiting for godot', flush=True); time.sleep(600)")
    with pytest.raises(Unavailable, match=r"(?s)within 2 s.*waiting for godot"):
        async with launcher.launch(launch_of(path)):
            pass
    assert processes(run_dir) == []
    await launcher.close()


async def test_two_first_starts_at_once_are_two_connectors(launcher: ProcessLauncher, program: WriteProgram) -> None:
    """While nobody knows yet whether a program forks, it is started as ever."""
    path = program()

    async def hold() -> str:
        async with launcher.launch(launch_of(path)) as running:
            return await title(running)

    assert await asyncio.gather(*(hold() for _ in range(4))) == ["Empty"] * 4


async def test_launch_that_is_given_up_leaves_nothing(
    launcher: ProcessLauncher, program: WriteProgram, run_dir: RunDir
) -> None:
    """Whenever the cancel comes: while the first process imports, and while a fork comes to be."""
    path = program()

    async def hold() -> None:
        async with launcher.launch(launch_of(path)):
            await asyncio.sleep(600)

    for seconds in (0.0, 0.1, 0.2, 0.4, 0.0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.1):
        holding = asyncio.create_task(hold())
        await asyncio.sleep(seconds)
        holding.cancel()
        await asyncio.wait({holding})
        assert [pid for pid in processes(run_dir) if not only_forks(pid)] == []
    assert list(run_dir.path.glob("c*")) == []
    async with launcher.launch(launch_of(path)) as running:
        assert await title(running) == "Empty"


async def test_program_that_is_given_up_at_its_start_may_clean_up(run_dir: RunDir, tmp_path: Path) -> None:
    """A command may be a script that has started something else."""
    launcher = ProcessLauncher(run_dir, os.environ, start_timeout=1)
    script, cleaned = tmp_path / "slow", tmp_path / "cleaned"
    script.write_text(f"#!/bin/sh\ntrap 'touch {cleaned}; exit 1' TERM\nwhile true; do sleep 0.05; done\n")
    script.chmod(0o755)
    with pytest.raises(Unavailable, match="within 1 s"):
        async with launcher.launch(launch_of(script)):
            pass
    assert cleaned.exists()
    await launcher.close()
