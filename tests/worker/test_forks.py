"""Connectors that are forked from one that has imported everything are as good as connectors that are started anew."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest
from forked_programs import WriteProgram, launch_of, parent, title
from running_pids import only_forks
from towpath_sdk.client import ConnectorClient
from towpath_sdk.errors import TowpathError
from towpath_worker.launch import ProcessLauncher, RunDir


async def test_each_fork_has_a_session_an_address_a_token_and_output_of_its_own(
    launcher: ProcessLauncher, program: WriteProgram
) -> None:
    """They share what was imported, and nothing by which one could be taken for another."""
    path = program()
    lines: list[list[str]] = [[], [], []]
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(launcher.launch(launch_of(path, kept))) for kept in lines]
        forking = {parent(one).pid for one in running}
        assert len(forking) == 1
        assert only_forks(forking.pop())
        assert [os.getsid(one.pid) for one in running] == [one.pid for one in running]
        assert not any(only_forks(one.pid) for one in running)
        assert [await title(one) for one in running] == ["Empty"] * 3
        with pytest.raises(TowpathError):
            async with ConnectorClient(running[1].address, token=running[2].token) as client:
                await client.spec()
    for one, kept in zip(running, lines, strict=True):
        assert sum(one.address in line for line in kept) == 1
        assert "listening" in kept[0]
        assert "draining" in kept[1]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0)])
async def test_how_a_fork_ends_is_known(
    launcher: ProcessLauncher, program: WriteProgram, number: signal.Signals, code: int
) -> None:
    """A job's failure says whether its connector was killed."""
    path = program()
    async with launcher.launch(launch_of(path)), launcher.launch(launch_of(path)) as second:
        os.kill(second.pid, number)
        assert (await asyncio.wait_for(second.ended(), 10)).code == code


async def test_a_service_manager_that_stops_all_processes_at_once_lets_forks_drain(
    launcher: ProcessLauncher, program: WriteProgram
) -> None:
    """It sends SIGTERM to each: the connectors end in order, and not because what forked them ended first."""
    lines: list[str] = []
    async with launcher.launch(launch_of(program(), lines)) as running:
        for process in (parent(running), psutil.Process(running.pid)):
            process.terminate()
        assert (await asyncio.wait_for(running.ended(), 10)).code == 0
    assert any("draining" in line for line in lines)


async def test_variables_of_a_fork_are_the_workers_and_the_programs(
    run_dir: RunDir, program: WriteProgram, tmp_path: Path
) -> None:
    """What a program, or a script around it, puts into its environment is there in each fork as in a fresh start."""
    path = program(before="os.environ['OF_PROGRAM'] = '3'")
    script = tmp_path / "connector"
    script.write_text(f"#!/bin/sh\nexport OF_SCRIPT=1\nexec {sys.executable} {path}\n")
    script.chmod(0o755)
    launcher = ProcessLauncher(run_dir, {**os.environ, "OF_WORKER": "2"}, start_timeout=20)
    for _ in range(2):
        lines: list[str] = []
        async with (
            launcher.launch(launch_of(script, lines)) as running,
            ConnectorClient(running.address, token=running.token) as client,
        ):
            assert [page async for page in client.discover("{}")] in ([], [[]])
        assert any("variables 1 2 3" in line for line in lines), lines
    await launcher.close()


async def test_program_that_wants_to_hear_of_no_child_is_forked_like_others(
    launcher: ProcessLauncher, program: WriteProgram
) -> None:
    """Its choice is its own, and that of its forks; how they end must be known."""
    path = program(before="import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)")
    async with launcher.launch(launch_of(path)) as first, launcher.launch(launch_of(path)) as second:
        os.kill(second.pid, signal.SIGKILL)
        assert (await asyncio.wait_for(second.ended(), 10)).code == -signal.SIGKILL
        assert await title(first) == "Empty"


@pytest.mark.parametrize(
    "before",
    [
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        "kept = open(__file__)",
        "import subprocess; kept = subprocess.Popen(['sleep', '20'], stdin=-3, stdout=-3, stderr=-3)",
        "os.environ.pop('TOWPATH_FORK_FD', None)",
        "os.environ['TOWPATH_FORK_FD'] = 'none'",
    ],
    ids=["thread", "file", "child", "of another SDK", "nonsense"],
)
async def test_program_that_cannot_be_forked_is_started_anew_each_time(
    launcher: ProcessLauncher, program: WriteProgram, before: str
) -> None:
    """Forks would lack its threads, and share what it has open."""
    path = program(before=before)
    for _ in range(2):
        async with launcher.launch(launch_of(path)) as running:
            assert parent(running).pid == os.getpid()
            assert await title(running) == "Empty"


async def test_system_that_lacks_what_it_takes_starts_every_connector_anew(
    run_dir: RunDir, program: WriteProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other systems than Linux have no descriptors of processes, or no sockets that keep messages whole."""
    monkeypatch.delattr(os, "pidfd_open")
    launcher = ProcessLauncher(run_dir, os.environ, start_timeout=20)
    for _ in range(2):
        async with launcher.launch(launch_of(program())) as running:
            assert parent(running).pid == os.getpid()
    await launcher.close()
