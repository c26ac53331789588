"""`towpath up`: one folder, one owner, loopback only, and nothing left behind however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from cli_prompt import Prompt, run_here
from orphans import ends_within
from stack import FAST, Part, Stack
from towpath_local.addresses import PortWishes, choose_ports
from towpath_local.data_folder import DataFolder, FolderLocks
from towpath_local.embedded.ports import LOOPBACK, free_port
from towpath_local.embedded.process import Command
from towpath_local.services import ProgramService
from towpath_local.supervisor import Supervisor
from towpath_sdk.errors import Conflict


def _all_end(processes: Iterable[psutil.Process], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    return all(ends_within(process.pid, max(deadline - time.monotonic(), 0.1)) for process in processes)


def test_everything_is_kept_in_one_folder_and_found_again(tmp_path: Path) -> None:
    """`kill -9` is how laptops and containers stop: no orphan may hold the ports, and the next start finds it all."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    stack = Stack(tmp_path / "data", {**FAST, "HOME": str(home), "TMPDIR": str(temporary)})
    towpath = Prompt(stack)
    stack.start()
    try:
        address = stack.address
        towpath.ok("sources", "create", "kept", "--connector", "source-postgres", "-f", "-", stdin=_POSTGRES)
        first = stack.family()
        assert len(first) >= 6, "three parts and their watchdogs"
        stack.kill()
        stack.start()
        assert _all_end(first, 1.0), "a start waits until the former one is gone"
        assert stack.address == address
        kept = towpath.ok("sources", "get", "kept", "-o", "json").json
        assert json.loads(kept["configJson"])["password"] == "********"
        second = stack.family()
    finally:
        code = stack.stop(signal.SIGINT)
    assert code == 0, stack.output.read_text()
    assert _all_end(second, 1.0), "an orderly end leaves nothing"
    assert not (stack.data_dir / "endpoint.json").exists()
    assert "stopped; nothing is lost" in stack.output.read_text()
    assert [*home.rglob("*"), *temporary.rglob("*")] == []
    assert not DataFolder(stack.data_dir).run_dir.exists(), "it may lie in the temporary folder of the machine"
    assert {oct(path.stat().st_mode)[-3:] for path in (stack.data_dir / "keys").iterdir()} == {"600"}


def test_a_start_waits_for_a_former_temporal_that_takes_its_time(tmp_path: Path, stack_folder: Path) -> None:
    """After `kill -9`, whatever of the former one ends last still has the ports."""
    with Stack(tmp_path / "data", FAST, stack_folder) as stack:
        parts = {name: psutil.Process(pid) for name, pid in stack.process_ids().items()}
        temporal = parts.pop("temporal")
        temporal.suspend()
        resuming = threading.Timer(2.0, temporal.resume)
        resuming.start()
        stack.kill()
        for part in parts.values():
            with suppress(psutil.NoSuchProcess):
                part.kill()
        stack.start()
        resuming.join()
        assert _all_end([temporal], 1.0)


_POSTGRES = "{host: db.example.com, database: shop, user: towpath, password: hidden}"


def test_a_second_ctrl_c_ends_everything_at_once(tmp_path: Path, stack_folder: Path) -> None:
    """Impatience leaves nothing behind either."""
    with Stack(tmp_path / "data", FAST, stack_folder) as stack:
        family = stack.family()
        os.kill(stack.endpoint.pid, signal.SIGINT)
        time.sleep(0.3)
        assert stack.stop(signal.SIGINT) == 0
        assert _all_end(family, 5.0)
        assert "ending everything at once" in stack.output.read_text()


def test_second_up_on_the_same_folder_is_refused(stack: Stack) -> None:
    """It names the one that runs and how to reach or stop it, and leaves it alone."""
    before = stack.process_ids()
    said = Prompt(stack).fails(6, "up")
    assert f"`towpath up` already runs on {stack.data_dir}: process {stack.endpoint.pid}" in said
    assert f"server at {stack.address}" in said
    assert "--data-dir" in said
    assert stack.process_ids() == before


def test_folder_in_use_by_one_that_is_still_starting_is_refused(tmp_path: Path) -> None:
    """Two starts at once must not share a database."""
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    locks = FolderLocks(folder)
    with pytest.raises(Conflict, match="already starting"):
        FolderLocks(folder)
    locks.release()
    FolderLocks(folder).release()


@pytest.mark.parametrize("option", ["--port", "--temporal-port", "--temporal-ui-port", "--web-port"])
def test_port_that_was_asked_for_and_is_taken_is_named(tmp_path: Path, option: str) -> None:
    """Another one instead would not be where the user looks for it."""
    port = free_port()
    with socket.create_server((LOOPBACK, port)):
        done = run_here("up", "--data-dir", str(tmp_path / "data"), option, str(port), environ={"HOME": str(tmp_path)})
    assert done.code == 6
    assert f"port {port} is taken by another program; stop that, or choose another {option}" in done.err


def test_usual_port_that_is_taken_is_replaced_and_remembered(tmp_path: Path) -> None:
    """A second Towpath beside the first just starts, says where, and is there again the next time."""
    memory, notes = tmp_path / "ports.json", list[str]()
    port = free_port()
    memory.write_text(
        json.dumps({"server": port, "temporal": free_port(), "temporal_ui": free_port(), "web": free_port()})
    )
    with socket.create_server((LOOPBACK, port)):
        chosen = choose_ports(PortWishes(), memory, notes.append)
    assert chosen.server != port
    assert notes == [f"port {port} is taken by another program; server listens on {chosen.server} instead"]
    assert choose_ports(PortWishes(), memory, notes.append) == chosen
    assert len(notes) == 1


def test_ports_of_an_older_towpath_are_kept_when_a_new_part_needs_one(tmp_path: Path) -> None:
    """An update adds a port; bookmarks and scripts that know the others must go on working."""
    memory = tmp_path / "ports.json"
    known = {"server": free_port(), "temporal": free_port(), "temporal_ui": free_port()}
    memory.write_text(json.dumps(known))
    web = free_port()
    chosen = choose_ports(PortWishes(web=web), memory, pytest.fail)
    assert json.loads(memory.read_text()) == {**known, "web": web}
    assert chosen.server == known["server"]


def test_memory_of_ports_that_is_damaged_is_made_anew(tmp_path: Path) -> None:
    """A power cut in the middle of a write must not keep Towpath from starting."""
    memory = tmp_path / "ports.json"
    memory.write_text('{"server": ')
    wishes = PortWishes(free_port(), free_port(), free_port(), free_port())
    assert choose_ports(wishes, memory, pytest.fail).server == wishes.server
    assert json.loads(memory.read_text())["temporal"] == wishes.temporal


def test_folder_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    """A file in its place, for example."""
    (tmp_path / "data").write_text("")
    done = run_here("up", "--data-dir", str(tmp_path / "data"), environ={"HOME": str(tmp_path)})
    assert done.code == 3
    assert f"cannot use the data folder {tmp_path / 'data'}" in done.err
    assert "choose another with --data-dir" in done.err


def test_part_that_does_not_start_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    """Then nothing runs any more, and the message says where to read on."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "metadata.db").write_text("this is no database, but long enough to be looked at as one" * 20)
    ports = _ports()
    done = run_here("up", "--data-dir", str(data), *ports, environ={**os.environ, "HOME": str(tmp_path)})
    assert done.code == 7
    assert "towpath-server ended with status" in done.err
    assert str(data / "logs" / "server.log") in done.err
    assert not (data / "processes.json").exists()
    assert [process for process in psutil.Process().children(recursive=True) if str(data) in _words(process)] == []


def _ports() -> list[str]:
    options = ("--port", "--temporal-port", "--temporal-ui-port", "--web-port")
    return [part for option in options for part in (option, str(free_port()))]


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_nothing_listens_beyond_loopback(stack: Stack) -> None:
    """There is no token on this machine, so that nobody else may reach it."""
    listening = {
        connection.laddr.ip
        for process in stack.family()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert listening


def test_neighbours_on_loopback_need_no_token(stack: Stack) -> None:
    """But secrets in clear are for the worker alone, which has one."""
    assert Prompt(stack).ok("sources", "list").code == 0
    assert oct((stack.data_dir / "keys" / "worker.token").stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("part", ["temporal", "server", "worker"])
def test_part_that_is_killed_is_started_again(stack: Stack, part: Part) -> None:
    """The others stay as they are, clients need not notice, and the terminal says what happened."""
    before = stack.process_ids()
    said = len(stack.output.read_text())
    stack.kill_part(part)
    after = stack.process_ids()
    assert {name for name in before if before[name] != after[name]} == {part}
    news = stack.output.read_text()[said:]
    assert f"{part} ended by itself; starting it again" in news
    assert Prompt(stack).ok("connectors", "update", "source-postgres").code == 0, "server, Temporal and worker work"


def test_part_that_keeps_ending_is_started_again_ever_more_slowly(tmp_path: Path) -> None:
    """A broken installation must not keep a machine busy; each try is told."""
    told = list[str]()
    argv = [sys.executable, "-c", "print('no luck')"]
    service = ProgramService(Command(name="short", argv=argv, log=tmp_path / "log"))
    supervisor = Supervisor({"short": service}, told.append, lambda _: None)
    supervisor.start()
    began = time.monotonic()
    while supervisor.hopeless() is None:
        assert time.monotonic() - began < 20, told
        supervisor.tend()
        time.sleep(0.02)
    supervisor.stop()
    log = tmp_path / "log"
    assert [line for line in told if "ended" in line] == [
        "short ended by itself; starting it again",
        f"short ended by itself; starting it again in 0.5 s; its log is {log}",
        f"short ended by itself; starting it again in 1 s; its log is {log}",
    ]
    assert f"short ends each time that it is started; the end of {log}:\n  no luck\n" in str(supervisor.hopeless())


def test_worker_that_cannot_run_stops_the_start_and_says_why(tmp_path: Path) -> None:
    """Nobody should wait in front of a line that says `starting`."""
    data = tmp_path / "data"
    ports = _ports()
    environ = {**os.environ, "HOME": str(tmp_path), "TOWPATH_WORKER_MAX_CONCURRENT_JOBS": "none"}
    done = run_here("up", "--data-dir", str(data), *ports, environ=environ)
    assert done.code == 7
    assert "worker ends each time that it is started" in done.err
    assert "TOWPATH_WORKER_MAX_CONCURRENT_JOBS" in done.err
