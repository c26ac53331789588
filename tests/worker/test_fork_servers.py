"""Processes that fork connectors: how many are kept, how they end, and what becomes of connectors when one fails."""

from __future__ import annotations

import asyncio
import os
import signal

import psutil
import pytest
from forked_programs import WriteProgram, launch_of, parent, processes, title
from running_pids import only_forks
from towpath_sdk.errors import Unavailable
from towpath_worker.launch import Ending, ProcessLauncher, RunDir
from worker_rig import until


async def test_forks_end_with_the_process_that_forked_them_and_others_come_after_them(
    launcher: ProcessLauncher, program: WriteProgram
) -> None:
    """Nobody would learn how they end; a job's next attempt has to find a new one."""
    path = program()
    async with launcher.launch(launch_of(path)) as first:
        former = parent(first)
        former.kill()
        assert str(await asyncio.wait_for(first.ended(), 10)) == str(Ending(-signal.SIGKILL))
    async with launcher.launch(launch_of(path)) as second:
        assert parent(second).pid != former.pid
        assert await title(second) == "Empty"


async def test_fork_server_that_hangs_is_waited_for_once(run_dir: RunDir, program: WriteProgram) -> None:
    """A job's next attempt must not meet the same one; and what runs goes on."""
    launcher = ProcessLauncher(run_dir, os.environ, start_timeout=6)
    path = program()
    async with launcher.launch(launch_of(path)) as first:
        hanging = parent(first)
        hanging.suspend()
        with pytest.raises(Unavailable, match="within 6 s"):
            async with launcher.launch(launch_of(path)):
                pass
        async with launcher.launch(launch_of(path)) as second:
            assert parent(second).pid != hanging.pid
            assert await title(second) == await title(first) == "Empty"
        hanging.resume()
    await launcher.close()
    assert processes(run_dir) == []


async def test_forks_go_on_when_there_is_no_room_for_another(launcher: ProcessLauncher, program: WriteProgram) -> None:
    """Short of memory, a connector is started in the usual way, and fails in the usual way if that fails too."""
    once = "forks = [os.fork]\nos.fork = lambda: forks.pop()() if forks else os.open('/nowhere', 0)"
    path = program(before=once)
    async with launcher.launch(launch_of(path)) as first, launcher.launch(launch_of(path)) as second:
        assert only_forks(parent(first).pid)
        assert parent(second).pid == os.getpid()
        assert await title(first) == await title(second) == "Empty"


async def test_no_more_programs_are_kept_than_are_worth_their_memory(
    launcher: ProcessLauncher, program: WriteProgram, run_dir: RunDir
) -> None:
    """The one that was not needed for longest goes; one whose forks run stays."""
    async with launcher.launch(launch_of(program(name="busy.py"))) as busy:
        for number in range(8):
            async with launcher.launch(launch_of(program(name=f"program{number}.py"))):
                pass
        until(lambda: sum(map(only_forks, processes(run_dir))) == 8, "eight are left", 10)
        assert await title(busy) == "Empty"
        kept = " ".join(word for pid in processes(run_dir) for word in psutil.Process(pid).cmdline())
        assert "busy.py" in kept
        assert "program7.py" in kept
        assert "program0.py" not in kept


async def test_nobody_is_kept_whom_nobody_asks(
    launcher: ProcessLauncher, program: WriteProgram, run_dir: RunDir
) -> None:
    """A worker that has nothing to do takes no memory for connectors."""
    path = program(before="from towpath_sdk._serve import forking; forking._IDLE_SECONDS = 0.5")
    async with launcher.launch(launch_of(path)) as running:
        await asyncio.sleep(1)
        former = parent(running)
        assert await title(running) == "Empty"
    until(lambda: processes(run_dir) == [], "nobody is left", 10)
    async with launcher.launch(launch_of(path)) as running:
        assert parent(running).pid != former.pid


async def test_fork_server_that_says_nonsense_is_killed_and_done_without(
    launcher: ProcessLauncher, program: WriteProgram
) -> None:
    """Whatever speaks at that socket is a connector's program, and may be anybody's."""
    path = program(
        before="import socket; number = os.environ.pop('TOWPATH_FORK_FD', '')\n"
        "if number: asked = socket.socket(fileno=int(number)); asked.send(b'{}'); asked.recv(1); asked.send(b'%')\n"
        "if number: time.sleep(600)"
    )
    for _ in range(2):
        async with launcher.launch(launch_of(path)) as running:
            assert parent(running).pid == os.getpid()
            assert await title(running) == "Empty"
