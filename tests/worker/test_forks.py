"""Connectors that are forked from one that has imported everything are as good as connectors that are started anew."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import psutil
import pytest
from running_pids import only_forks
from towpath_sdk.client import ConnectorClient
from towpath_sdk.errors import TowpathError, Unavailable
from towpath_worker.launch import Ending, Launch, ProcessLauncher, RunDir, Running
from worker_rig import until

PROGRAM = """
    import os, sys, threading, time
    from towpath_sdk import Config, Source, Stream, serve

    class Nothing(Config):
        pass

    class Empty(Source[Nothing]):
        title = "{title}"

        def discover(self, config):
            print("variables", *(os.environ.get(name) for name in ("OF_SCRIPT", "OF_WORKER", "OF_PROGRAM")))
            return []

        def read(self, config, stream, context):
            os._exit(3)

    {before}
    serve(Empty())
"""


@pytest.fixture
def run_dir() -> Iterator[RunDir]:
    """A run folder with a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="tf-", dir="/tmp") as short, closing(RunDir.open(Path(short))) as opened:
        yield opened


@pytest.fixture
async def launcher(run_dir: RunDir) -> AsyncIterator[ProcessLauncher]:
    """A launcher; what it keeps must be gone when it is closed."""
    made = ProcessLauncher(run_dir, os.environ, start_timeout=20)
    yield made
    await made.close()
    assert processes(run_dir) == []


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Writes a connector's program; `before` is what it does before it serves."""

    def write(title: str = "Empty", before: str = "", name: str = "program.py") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(PROGRAM).format(title=title, before=before))
        return path

    return write


def processes(run_dir: RunDir) -> list[psutil.Process]:
    """Whatever of this folder's connectors runs, what forks them included."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if str(run_dir.path) in process.environ().get("TOWPATH_LISTEN", ""):
                found.append(process)
        except psutil.Error:
            continue
    return found


def launch_of(program: Path, lines: list[str] | None = None) -> Launch:
    """A launch that keeps the lines which the connector prints."""
    return Launch("source test", (sys.executable, str(program)), (lines if lines is not None else []).append)


def parent(running: Running) -> psutil.Process:
    """What started it."""
    found = psutil.Process(running.pid).parent()
    assert found is not None
    return found


async def title(running: Running) -> str:
    """Ask a connector for its title, with its token."""
    async with ConnectorClient(running.address, token=running.token) as client:
        return (await client.spec()).title


async def test_each_fork_has_a_session_an_address_a_token_and_output_of_its_own(
    launcher: ProcessLauncher, program: Callable[..., Path]
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
    launcher: ProcessLauncher, program: Callable[..., Path], number: signal.Signals, code: int
) -> None:
    """A job's failure says whether its connector was killed."""
    path = program()
    async with launcher.launch(launch_of(path)), launcher.launch(launch_of(path)) as second:
        os.kill(second.pid, number)
        assert (await asyncio.wait_for(second.ended(), 10)).code == code


async def test_forks_end_with_the_process_that_forked_them_and_others_come_after_them(
    launcher: ProcessLauncher, program: Callable[..., Path]
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


async def test_a_service_manager_that_stops_all_processes_at_once_lets_forks_drain(
    launcher: ProcessLauncher, program: Callable[..., Path]
) -> None:
    """It sends SIGTERM to each: the connectors end in order, and not because what forked them ended first."""
    lines: list[str] = []
    async with launcher.launch(launch_of(program(), lines)) as running:
        for process in (parent(running), psutil.Process(running.pid)):
            process.terminate()
        assert (await asyncio.wait_for(running.ended(), 10)).code == 0
    assert any("draining" in line for line in lines)


async def test_program_that_was_changed_is_started_anew(
    launcher: ProcessLauncher, program: Callable[..., Path], run_dir: RunDir
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
    launcher: ProcessLauncher, program: Callable[..., Path]
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
    launcher: ProcessLauncher, program: Callable[..., Path], tmp_path: Path
) -> None:
    """No module knows of it, but the command does."""
    script = tmp_path / "connector"
    for name in ("Former", "Latter"):
        path = program(name, name=f"{name}.py")
        script.write_text(f"#!/bin/sh\nexec {sys.executable} {path}\n")
        script.chmod(0o755)
        async with launcher.launch(Launch("source test", (str(script),), print)) as running:
            assert await title(running) == name
            assert only_forks(parent(running).pid)


async def test_program_that_was_changed_while_it_was_imported_is_not_forked(
    launcher: ProcessLauncher, program: Callable[..., Path]
) -> None:
    """An upgrade that is under way: nobody could tell later that what was imported is not what is there."""
    path = program("Former", before="time.sleep(0.1); os.utime(__file__)")
    async with launcher.launch(launch_of(path)) as running:
        assert parent(running).pid == os.getpid()
    program("Latter")
    async with launcher.launch(launch_of(path)) as running:
        assert await title(running) == "Latter"


async def test_variables_of_a_fork_are_the_workers_and_the_programs(
    run_dir: RunDir, program: Callable[..., Path], tmp_path: Path
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
            launcher.launch(Launch("source test", (str(script),), lines.append)) as running,
            ConnectorClient(running.address, token=running.token) as client,
        ):
            assert [page async for page in client.discover("{}")] in ([], [[]])
        assert any("variables 1 2 3" in line for line in lines), lines
    await launcher.close()


async def test_fork_server_that_hangs_is_waited_for_once(run_dir: RunDir, program: Callable[..., Path]) -> None:
    """A job's next attempt must not meet the same one; and what runs goes on."""
    launcher = ProcessLauncher(run_dir, os.environ, start_timeout=2)
    path = program()
    async with launcher.launch(launch_of(path)) as first:
        hanging = parent(first)
        hanging.suspend()
        with pytest.raises(Unavailable, match="within 2 s"):
            async with launcher.launch(launch_of(path)):
                pass
        async with launcher.launch(launch_of(path)) as second:
            assert parent(second).pid != hanging.pid
            assert await title(second) == await title(first) == "Empty"
        hanging.resume()
    await launcher.close()
    assert processes(run_dir) == []


async def test_forks_go_on_when_there_is_no_room_for_another(
    launcher: ProcessLauncher, program: Callable[..., Path]
) -> None:
    """Short of memory, a connector is started in the usual way, and fails in the usual way if that fails too."""
    once = "forks = [os.fork]\nos.fork = lambda: forks.pop()() if forks else os.open('/nowhere', 0)"
    path = program(before=once)
    async with launcher.launch(launch_of(path)) as first, launcher.launch(launch_of(path)) as second:
        assert only_forks(parent(first).pid)
        assert parent(second).pid == os.getpid()
        assert await title(first) == await title(second) == "Empty"


async def test_program_that_wants_to_hear_of_no_child_is_forked_like_others(
    launcher: ProcessLauncher, program: Callable[..., Path]
) -> None:
    """Its choice is its own, and that of its forks; how they end must be known."""
    path = program(before="import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)")
    async with launcher.launch(launch_of(path)) as first, launcher.launch(launch_of(path)) as second:
        os.kill(second.pid, signal.SIGKILL)
        assert (await asyncio.wait_for(second.ended(), 10)).code == -signal.SIGKILL
        assert await title(first) == "Empty"


async def test_program_that_is_given_up_at_its_start_may_clean_up(run_dir: RunDir, tmp_path: Path) -> None:
    """A command may be a script that has started something else."""
    launcher = ProcessLauncher(run_dir, os.environ, start_timeout=1)
    script, cleaned = tmp_path / "slow", tmp_path / "cleaned"
    script.write_text(f"#!/bin/sh\ntrap 'touch {cleaned}; exit 1' TERM\nwhile true; do sleep 0.05; done\n")
    script.chmod(0o755)
    with pytest.raises(Unavailable, match="within 1 s"):
        async with launcher.launch(Launch("source test", (str(script),), print)):
            pass
    assert cleaned.exists()
    await launcher.close()


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
    launcher: ProcessLauncher, program: Callable[..., Path], before: str
) -> None:
    """Forks would lack its threads, and share what it has open."""
    path = program(before=before)
    for _ in range(2):
        async with launcher.launch(launch_of(path)) as running:
            assert parent(running).pid == os.getpid()
            assert await title(running) == "Empty"


async def test_switch_starts_every_connector_anew(run_dir: RunDir, program: Callable[..., Path]) -> None:
    """For whoever has a reason that we do not know of."""
    launcher = ProcessLauncher(run_dir, os.environ, start_timeout=20, forks=False)
    for _ in range(2):
        async with launcher.launch(launch_of(program())) as running:
            assert parent(running).pid == os.getpid()
    await launcher.close()


async def test_program_that_ends_at_its_first_start_is_asked_again(
    launcher: ProcessLauncher, program: Callable[..., Path], tmp_path: Path
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
    run_dir: RunDir, program: Callable[..., Path]
) -> None:
    """Its first start is waited for as long as any other."""
    launcher = ProcessLauncher(run_dir, os.environ, start_timeout=2)
    path = program(before="print('waiting for godot', flush=True); time.sleep(600)")
    with pytest.raises(Unavailable, match=r"(?s)within 2 s.*waiting for godot"):
        async with launcher.launch(launch_of(path)):
            pass
    assert processes(run_dir) == []
    await launcher.close()


async def test_two_first_starts_at_once_are_two_connectors(
    launcher: ProcessLauncher, program: Callable[..., Path]
) -> None:
    """While nobody knows yet whether a program forks, it is started as ever."""
    path = program()

    async def hold() -> str:
        async with launcher.launch(launch_of(path)) as running:
            return await title(running)

    assert await asyncio.gather(*(hold() for _ in range(4))) == ["Empty"] * 4


async def test_launch_that_is_given_up_leaves_nothing(
    launcher: ProcessLauncher, program: Callable[..., Path], run_dir: RunDir
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
        assert [one for one in processes(run_dir) if not only_forks(one.pid)] == []
    assert list(run_dir.path.glob("c*")) == []
    async with launcher.launch(launch_of(path)) as running:
        assert await title(running) == "Empty"


async def test_no_more_programs_are_kept_than_are_worth_their_memory(
    launcher: ProcessLauncher, program: Callable[..., Path], run_dir: RunDir
) -> None:
    """The one that was not needed for longest goes; one whose forks run stays."""
    async with launcher.launch(launch_of(program(name="busy.py"))) as busy:
        for number in range(8):
            async with launcher.launch(launch_of(program(name=f"program{number}.py"))):
                pass
        until(lambda: sum(only_forks(one.pid) for one in processes(run_dir)) == 8, "eight are left", 10)
        assert await title(busy) == "Empty"
        kept = " ".join(word for one in processes(run_dir) for word in one.cmdline())
        assert "busy.py" in kept
        assert "program7.py" in kept
        assert "program0.py" not in kept


async def test_nobody_is_kept_whom_nobody_asks(
    launcher: ProcessLauncher, program: Callable[..., Path], run_dir: RunDir
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
