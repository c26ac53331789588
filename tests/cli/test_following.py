"""Following a job: bars on a terminal, lines in a pipe, through restarts of the server, to an exit code that tells."""

from __future__ import annotations

import json
import re
import time

import pytest
from cli_prompt import Prompt, Terminal
from cli_scene import Scene
from towpath.control.v1.jobs_pb2 import Job
from towpath_sdk.errors import Unavailable
from worker_rig import until

_SLOW = {"rows": 300, "batch_rows": 20, "seconds_per_batch": 0.15}
"""Two seconds and more."""

_WIDE = 4000
"""Columns of a terminal in which nothing is broken into lines."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _running(scene: Scene, connection: str) -> str:
    """Wait until the connection's job moves rows; return its id."""
    until(lambda: any(scene.job(job).total.rows_read for job in scene.jobs(connection)), "rows are moved", 30)
    return scene.latest_job(connection)


def test_bars_are_drawn_on_a_terminal(scene: Scene) -> None:
    """A stream each, with rows, bytes and rates, redrawn in place, and the outcome below."""
    scene.connect("drawn", streams=2, **_SLOW)
    terminal = Terminal(scene.stack, "sync", "drawn", "--follow")
    terminal.wait_for("numbers1")
    assert terminal.wait() == 0
    drawn = _ESCAPES.sub("", terminal.drawn)
    assert "ROWS/S" in drawn
    assert "━" in drawn
    assert re.search(r"numbers0\s+━+\s+300 .*succeeded", drawn)
    assert re.search(r"succeeded in \d+\.\ds: 600 rows, .* 2 streams", drawn)
    assert terminal.drawn.count("\x1b[1A") > 5, "it is redrawn in place"
    assert terminal.drawn.rstrip().endswith("2 streams"), "the outcome stands last"
    assert "\x1b[?25h" in terminal.drawn, "the cursor is shown again"


def test_plain_lines_are_written_to_a_pipe(towpath: Prompt, scene: Scene) -> None:
    """A log of a cron job holds no escape sequences, and standard output nothing but the outcome."""
    scene.connect("piped", streams=2, rows=50)
    done = towpath.ok("sync", "piped", "--follow")
    assert "\x1b" not in done.out + done.err
    job = scene.latest_job("piped")
    assert re.fullmatch(rf"{job} succeeded in \d+\.\ds: 100 rows, [0-9.]+ KiB, 2 streams\n", done.out)
    lines = done.err.splitlines()
    assert lines[-3:] == [
        f"{job} succeeded",
        lines[-2],
        lines[-1],
    ]
    assert re.fullmatch(r"numbers1 succeeded 50 of 50 rows committed, .*", lines[-1])


def test_without_follow_the_job_is_shown_and_how_to_follow_it(towpath: Prompt, scene: Scene) -> None:
    """The command returns at once; `jobs watch` catches up, and a second sync is refused with the job's name."""
    scene.connect("detached", **_SLOW)
    started = towpath.ok("sync", "detached", "-o", "json")
    job = started.json["name"].removeprefix("jobs/")
    assert f"towpath jobs watch {job}" in started.err
    busy = towpath.fails(6, "sync", "detached")
    assert f"jobs/{job}" in busy
    assert "towpath cancel JOB" in busy
    watched = towpath.ok("jobs", "watch", job, "-o", "json")
    assert watched.json["state"] == "STATE_SUCCEEDED"
    assert watched.json["name"] == f"jobs/{job}"


def test_ctrl_c_leaves_the_job_running_and_the_terminal_clean(towpath: Prompt, scene: Scene) -> None:
    """Who closes a laptop does not want to stop the night's load."""
    scene.connect("left", **{**_SLOW, "rows": 900})  # long enough to be left, also on a busy machine
    terminal = Terminal(scene.stack, "sync", "left", "--follow")
    terminal.wait_for("numbers0")
    job = _running(scene, "left")
    terminal.interrupt()
    assert terminal.wait() == 130
    drawn = _ESCAPES.sub("", terminal.drawn)
    assert f"detached; {job} goes on" in drawn.replace("\r\n", " ")
    assert "\x1b[?25h" in terminal.drawn, "the cursor is shown again"
    assert "Traceback" not in drawn
    assert towpath.ok("jobs", "watch", job).code == 0


def test_a_follower_outlives_the_server(towpath: Prompt, scene: Scene) -> None:
    """Progress and log go on where they were when the server is killed and comes back; no line is there twice."""
    scene.connect("outlived", **{**_SLOW, "rows": 900})
    following = Terminal(scene.stack, "sync", "outlived", "--follow", columns=_WIDE)
    job = _running(scene, "outlived")
    tailing = Terminal(scene.stack, "logs", job, "--follow", "-o", "json", columns=_WIDE)
    tailing.wait_for('"seq"')
    scene.stack.kill_part("server")
    assert following.wait(90) == 0, following.drawn
    assert "connection to the server lost" in following.drawn
    assert tailing.wait(90) == 0, tailing.drawn
    lines = [json.loads(line) for line in _ESCAPES.sub("", tailing.drawn).splitlines() if line.startswith("{")]
    positions = [int(line["seq"]) for line in lines]
    assert positions == sorted(set(positions))
    deadline = time.monotonic() + 30
    while True:
        try:
            with scene.stack.client() as client:
                stored = [line.seq for line in client.jobs.logs(job)]
            break
        except Unavailable:  # the server that was killed is just coming back
            assert time.monotonic() < deadline
            time.sleep(0.5)
    assert positions == stored


def test_cancel_ends_the_job_and_tells_its_follower(towpath: Prompt, scene: Scene) -> None:
    """The follower's exit code says that nobody failed, somebody stopped it."""
    scene.connect("stopped", **{**_SLOW, "rows": 6000})
    following = Terminal(scene.stack, "sync", "stopped", "--follow", columns=_WIDE)
    job = _running(scene, "stopped")
    assert re.fullmatch(rf"{job} cancell\w+\n", towpath.ok("cancel", job).out)
    assert following.wait() == 12
    assert f"{job} cancelled in " in _ESCAPES.sub("", following.drawn)
    assert scene.job(job).state == Job.STATE_CANCELLED
    towpath.ok("cancel", job)


def test_a_failed_job_ends_with_the_exit_code_of_its_kind(towpath: Prompt, scene: Scene) -> None:
    """A script can tell a broken record from a wrong password without reading; a person reads which stream and why."""
    scene.connect("broken", streams=2, rows=50, fail_stream=1)
    done = towpath("sync", "broken", "--follow")
    assert done.code == 10
    assert "1 of them failed" in done.out
    assert "is broken" in done.out + done.err
    job = scene.latest_job("broken")
    assert towpath("jobs", "watch", job).code == 10
    assert "is broken" in towpath.ok("jobs", "get", job).out
    assert "has already ended" in towpath.fails(6, "cancel", job)


@pytest.mark.parametrize("arguments", [["-o", "json"], []], ids=["json", "table"])
def test_a_reader_that_has_seen_enough_ends_the_log(scene: Scene, counted: str, arguments: list[str]) -> None:
    """`towpath logs JOB | head -1` is no error."""
    process = scene.stack.start_cli("logs", scene.latest_job(counted), *arguments)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 0
