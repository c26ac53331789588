"""Help for every command, and completion for three shells."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

import click
import pytest
from cli_prompt import Prompt, run_here
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete
from towpath_cli.app import towpath as root


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


_ALL = list(_commands(root))
_WITHOUT_A_SERVER = {"completion", "conformance", "connector"}
"""Commands that work where no Towpath runs."""


@pytest.mark.parametrize("path", _ALL, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    """A summary, the options, and where the server is looked for; the lines fit a terminal."""
    done = run_here(*path, "--help", environ={"COLUMNS": "100"})
    assert done.code == 0
    assert done.out.startswith(f"Usage: towpath {' '.join(path)}")
    summary = " ".join(done.out.split("\n\n")[1].split())
    assert summary.endswith(".")
    assert "--server HOST:PORT" in done.out or "Commands:" in done.out or path[0] in _WITHOUT_A_SERVER
    assert max(map(len, done.out.splitlines())) <= 110


def test_the_first_page_lists_all_commands_and_a_first_day() -> None:
    """`towpath` alone is how it begins."""
    done = run_here("--help", environ={})
    names = {path[0] for path in _ALL}
    assert names == set(re.findall(r"^  ([a-z-]+)  ", done.out.partition("Commands:")[2], re.MULTILINE))
    assert {"up", "apply", "sync", "logs", "cancel", "connections", "completion"} <= names
    assert "towpath apply -f pipeline.yaml" in done.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_one_that_its_shell_can_read(shell: str) -> None:
    """A script with a mistake would break the start of every shell of that user."""
    script = run_here("completion", shell, environ={}).out
    assert f"_TOWPATH_COMPLETE={shell}_complete" in script
    if (program := shutil.which(shell)) is not None:
        subprocess.run([program, "-n"], input=script, text=True, check=True, capture_output=True)


def _complete(prompt: Prompt, shell: type[ShellComplete], *words: str) -> list[str]:
    """Ask as the script of that shell does."""
    name = shell.name
    partial = words[-1]
    environ = {
        "_TOWPATH_COMPLETE": f"{name}_complete",
        "COMP_WORDS": " ".join(("towpath", *words)) if name != "fish" else " ".join(("towpath", *words[:-1])),
        "COMP_CWORD": str(len(words)) if name != "fish" else partial,
    }
    lines = prompt.ok(environ=environ).out.splitlines()
    if name == "zsh":
        return lines[1::3]
    return [line.partition(",")[2].partition("\t")[0] for line in lines]


@pytest.mark.parametrize("shell", [BashComplete, ZshComplete, FishComplete])
def test_commands_options_and_names_on_the_server_are_completed(
    towpath: Prompt, counted: str, shell: type[ShellComplete]
) -> None:
    """Names are what one does not remember."""
    assert _complete(towpath, shell, "conne") == ["connector", "connections", "connectors"]
    assert _complete(towpath, shell, "sync", "--fol") == ["--follow"]
    assert _complete(towpath, shell, "sync", "cou") == [counted]
    assert _complete(towpath, shell, "connectors", "get", "source-p") == ["source-postgres"]
    assert _complete(towpath, shell, "connections", "create", "x", "--source", "cou") == [counted]


def test_completion_is_silent_without_a_server(towpath: Prompt) -> None:
    """A shell would show an error as a choice."""
    environ = {
        "TOWPATH_SERVER": "127.0.0.1:1",
        "_TOWPATH_COMPLETE": "bash_complete",
        "COMP_WORDS": "towpath sync s",
        "COMP_CWORD": "2",
    }
    done = towpath.ok(environ=environ)
    assert (done.out.strip(), done.err) == ("", "")
