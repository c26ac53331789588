"""What a case file has done to the system behind a connector, and how its failures are told from the connector's."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from towpath_conformance.actions import ActionFailed, act, read_back, succeeds
from towpath_conformance.case import Action, Reader

CONFIG = {"path": "x", "password": "not-in-any-process-list"}


def python(program: str) -> Action:
    return Action(command=["python", "-c", program])


async def test_a_command_gets_the_configuration_on_standard_input_and_runs_beside_the_file(tmp_path: Path) -> None:
    """So that a script of ten lines is enough, and a password is in no list of processes."""
    program = "import json, sys; open('seeded', 'w').write(json.load(sys.stdin)['path'] + str(sys.argv))"
    await act(python(program), CONFIG, tmp_path)
    assert (tmp_path / "seeded").read_text() == "x['-c']"


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (python("exit('disk full')"), "`python` ended with exit code 1: disk full"),
        (Action(command=["no-such-program-here"]), "`no-such-program-here` cannot be started"),
        (Action(sql="SELEKT", url="seed.db"), 'OperationalError: near "SELEKT"'),
        (Action(plugin="json:nothing"), "there is no plug-in json:nothing"),
        (Action(plugin="json:loads"), "json:loads ended with exit code 1: TypeError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_failed_action_says_which_and_why(
    tmp_path: Path, action: Action, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the case file that is at fault then, not the connector."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ActionFailed) as caught:
        await act(action, CONFIG, tmp_path)
    assert says in str(caught.value)


async def test_an_action_that_answers_a_question_may_say_no(tmp_path: Path) -> None:
    """Does the remote system still hold what was not acknowledged? No is an answer, not a failure."""
    (tmp_path / "asked_here.py").write_text("def yes(config):\n    pass\n\ndef no(config):\n    return False\n")
    asked = [python("exit(0)"), python("exit(1)"), Action(plugin="asked_here:yes"), Action(plugin="asked_here:no")]
    assert [await succeeds(action, CONFIG, tmp_path) for action in asked] == [True, False, True, False]


@pytest.mark.parametrize(
    "reader",
    [
        Reader(command=["python", "-c", "print('{\"n\": 1}'); print('{\"n\": 2}')", "{namespace}", "{stream}"]),
        Reader(sql="SELECT n FROM {namespace}_{stream} ORDER BY n", url="rows.db"),
        Reader(plugin="read_here:read"),
    ],
    ids=["command", "sql", "plugin"],
)
async def test_rows_are_read_back_in_three_ways(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the destination is, one of them reaches it without knowing Towpath."""
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("rows.db") as database:
        database.executescript("CREATE TABLE a_b (n INTEGER); INSERT INTO a_b VALUES (2), (1)")
    (tmp_path / "read_here.py").write_text(
        "import pyarrow as pa\n\ndef read(config, namespace, stream):\n"
        "    return pa.table({'n': [1, 2]}) if (namespace, stream) == ('a', 'b') else None\n"
    )
    assert await read_back(reader, CONFIG, tmp_path, "a", "b") == pa.table({"n": [1, 2]})


@pytest.mark.parametrize(
    ("reader", "says"),
    [
        (Reader(command=["python", "-c", "exit('gone')"]), "`python` ended with exit code 1: gone"),
        (Reader(sql="SELECT * FROM nothing", url=":memory:"), "the SQL that reads back failed: OperationalError"),
        (Reader(plugin="json:dumps"), "json:dumps failed: TypeError"),
        (Reader(plugin="builtins:print"), "builtins:print returned NoneType, not a pyarrow.Table"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_reader_that_fails_is_not_the_connectors_failure(tmp_path: Path, reader: Reader, says: str) -> None:
    """A verdict that blames the wrong one costs an afternoon."""
    with pytest.raises(ActionFailed) as caught:
        await read_back(reader, CONFIG, tmp_path, "a", "b")
    assert says in str(caught.value)


async def test_an_interrupted_command_is_gone_with_its_children(tmp_path: Path) -> None:
    """Ctrl-C must not leave a seeding script that goes on writing."""
    program = "import subprocess; open('pid', 'w').write(str(subprocess.Popen(['sleep', '600']).pid)); input()"
    shell = Action(command=["python", "-c", program + "; import time; time.sleep(600)"])
    acting = asyncio.ensure_future(act(shell, CONFIG, tmp_path))
    deadline = time.monotonic() + 30
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    child = psutil.Process(int((tmp_path / "pid").read_text()))
    acting.cancel()
    await asyncio.gather(acting, return_exceptions=True)
    assert acting.cancelled()
    assert psutil.wait_procs([child], timeout=5)[1] == []


async def test_an_interrupted_plugin_is_not_waited_for(tmp_path: Path) -> None:
    """Nothing can stop it, and nobody who pressed Ctrl-C wants to wait for it."""
    (tmp_path / "sleeps_here.py").write_text("import time\n\ndef seed(config):\n    time.sleep(20)\n")
    acting = asyncio.ensure_future(act(Action(plugin="sleeps_here:seed"), CONFIG, tmp_path))
    await asyncio.sleep(0.1)
    began = time.monotonic()
    acting.cancel()
    await asyncio.gather(acting, return_exceptions=True)
    assert time.monotonic() - began < 10
