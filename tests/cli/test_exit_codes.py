"""What a script learns from an exit code, and what a person reads beside it; never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli_prompt import Prompt, run_here
from stack import Stack
from towpath.control.v1.failures_pb2 import Failure
from towpath_cli.failures import exit_code_of_failure, report
from towpath_local.embedded.ports import LOOPBACK, free_port
from towpath_local.embedded.process import Command, SupervisedProcess
from towpath_sdk import errors
from towpath_sdk.errors import KINDS, Kind, TowpathError

_EXIT_CODES = {
    Kind.MISCONFIGURED: 3,
    Kind.DENIED: 4,
    Kind.NOT_FOUND: 5,
    Kind.CONFLICT: 6,
    Kind.UNAVAILABLE: 7,
    Kind.THROTTLED: 8,
    Kind.POSITION_LOST: 9,
    Kind.BAD_RECORD: 10,
    Kind.FENCED: 11,
    Kind.CANCELLED: 12,
    Kind.BUG: 70,
}
"""As documented in clients/cli/README.md."""


def _error_types() -> Iterator[type[TowpathError]]:
    return (value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, TowpathError))


@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.value)
def test_each_kind_of_failure_has_an_exit_code_of_its_own(kind: Kind, capsys: pytest.CaptureFixture[str]) -> None:
    """The same code says the same, whether a command failed or the job that it followed."""
    (error_type,) = [found for found in _error_types() if found.kind is kind and found is not TowpathError]
    expected = _EXIT_CODES[kind]
    assert report(error_type("something happened; do this")) == expected
    assert exit_code_of_failure(Failure(kind=f"KIND_{kind.name}", message="the same")) == expected
    assert capsys.readouterr().err.startswith("error: something happened; do this\n")


def test_no_two_kinds_share_an_exit_code() -> None:
    """Nor does one of them mean success, wrong usage or Ctrl-C."""
    codes = [KINDS[kind].exit_code for kind in Kind]
    assert len(set(codes)) == len(codes)
    assert not {0, 1, 2, 130} & set(codes)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (click.Abort(), 130, "error: interrupted\n"),
        (click.UsageError("no such option"), 2, "error: no such option\n  try: towpath --help\n"),
        (PermissionError(13, "Permission denied", "/x"), 7, "error: Permission denied: /x\n"),
        (ZeroDivisionError("oops"), 70, "error: towpath itself failed: ZeroDivisionError: oops\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_is_no_failure_of_towpath_is_reported_too(
    error: BaseException, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage, Ctrl-C, the file system and our own mistakes end as a line as well."""
    assert report(error) == code
    assert capsys.readouterr().err.startswith(text)


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("sources get countd", 5, "did you mean `counted`"),
        ("sync countd", 5, "did you mean `counted`"),
        ("connections get count", 5, "did you mean `counted`"),
        ("destinations check kounted", 5, "did you mean `counted`"),
        ("connectors get source-postgre", 5, "did you mean `source-postgres`?"),
        ("sources create x --connector number", 5, "did you mean `numbers`?"),
        ("connections create x --source countd --destination counted", 5, "did you mean `counted`"),
        ("connections get zebra", 5, "see what there is with `towpath connections list`"),
        ("jobs get 01zzzz", 5, "see what there is with `towpath jobs list`"),
        ("logs 01zzzz", 5, "does not exist"),
        ("jobs watch 01zzzz", 5, "does not exist"),
        ("cancel 01zzzz", 5, "does not exist"),
        ("sources get connections/counted", 3, "is no name in sources"),
        ("sources create Wrong_Name --connector numbers", 3, "lower-case"),
        ("sources create x --connector numbers -c rows=many", 3, "rows: must be an integer"),
        ("sources create x --connector numbers -c rosw=1", 3, "rosw: is not a known field"),
        ("sources create x --connector numbers -c rows", 3, "write KEY=VALUE"),
        ("sources create x --connector numbers -c password=secret", 3, "other users of this machine can see"),
        ("sources create x --connector numbers -c password=${NOPE_NOT_SET}", 3, "NOPE_NOT_SET is not set"),
        ("sources create x --connector numbers -c password=@/no/file", 3, "cannot read /no/file"),
        ("sources create x --connector source-postgres", 3, "host: is required"),
        ("sources create x --connector folder -c folder=/tmp", 3, "is no source"),
        ("sources list --server nonsense", 3, "write HOST:PORT"),
        ("sources list --token-file /no/file", 3, "cannot read the token file /no/file"),
        ("sources delete counted", 6, "is used by connections/counted"),
        ("connections update counted --cron nonsense", 3, "cron"),
        ("connections update counted --cron @daily --time-zone Mars/Olympus", 3, "Mars/Olympus"),
        ("connections update counted --every soon", 3, "no duration"),
        ("connections update counted --every 15m --manual", 3, "give one of"),
        ("connections update counted --stream numbers7", 3, "choose one of: numbers0, numbers1"),
        ("connections update counted --stream numbers0,columns=m", 3, "choose one of: n, stream, text"),
        ("connections update counted --stream numbers0,read=incremental,cursor=m", 3, "choose one of: n"),
        ("connections update counted --stream numbers0,read=sideways", 3, "choose one of: snapshot, incremental"),
        ("connections update counted --commit-bytes big", 3, "no size"),
        ("frobnicate", 2, "try: towpath --help"),
        ("sources list --outptu json", 2, "Did you mean '--output'?"),
        ("connections create x --source counted", 2, "--destination"),
        ("up --port 99999999", 2, "try: towpath up --help"),
    ],
)
def test_a_mistake_is_named_with_what_to_do_instead(
    towpath: Prompt, counted: str, line: str, code: int, says: str
) -> None:
    """Nobody should have to look anything up to get from a typing mistake to what was meant."""
    assert says in towpath.fails(code, *line.split())


def test_a_server_that_is_down_is_a_sentence(towpath: Prompt, tmp_path: Path) -> None:
    """It is the most common mistake of all, so that it names the address, where that came from, and the remedy."""
    for line in ("sources list", "sync shop", "jobs watch 01zzzz", "logs 01zzzz", "logs 01zzzz --follow"):
        said = towpath.fails(7, *line.split(), "--server", "127.0.0.1:1")
        assert "no server answers at 127.0.0.1:1 (from --server)" in said
        assert "start it with `towpath up`" in said
    nowhere = run_here("sources", "list", environ={"TOWPATH_HOME": str(tmp_path), "TOWPATH_SERVER": "127.0.0.1:1"})
    assert nowhere.code == 7


@pytest.fixture(scope="module")
def guarded(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prompt]:
    """A server that asks for tokens, as one beyond loopback must; the prompt has a wrong one."""
    root = tmp_path_factory.mktemp("guarded")
    (root / "token").write_text("right\n")
    (root / "worker").write_text("another\n")
    address = f"{LOOPBACK}:{free_port()}"
    flags = {
        "listen": address,
        "token-file": str(root / "token"),
        "worker-token-file": str(root / "worker"),
        "key-file": str(root / "key"),
        "database-url": f"sqlite:///{root / 'metadata.db'}",
        "temporal-address": stack.endpoint.temporal_address,
        "task-queue": "guarded",
    }
    pairs = (part for name, value in flags.items() for part in (f"--{name}", value))
    argv = [sys.executable, "-m", "towpath_server", "--create-key-file", *pairs]
    process = SupervisedProcess(Command(name="towpath-server", argv=argv, log=root / "log", directory=root))
    try:
        prompt = Prompt(stack, {"TOWPATH_SERVER": address, "TOWPATH_TOKEN": "wrong", "RIGHT": str(root / "token")})
        process.wait_until_ready(lambda: None if "serving" in prompt.ok("version").out else "not yet", 60)
        yield prompt
    finally:
        process.stop()


def test_a_wrong_token_is_told_apart_from_no_server(guarded: Prompt) -> None:
    """The user is told which option carries the token, and the token itself is never repeated."""
    said = guarded.fails(4, "sources", "list")
    assert "give the server's token with --token-file FILE or TOWPATH_TOKEN" in said
    assert "wrong" not in said
    assert guarded.fails(4, "sources", "list", environ={"TOWPATH_TOKEN": ""}) != ""
    assert guarded.fails(4, "jobs", "watch", "01zzzz") != ""
    assert "no sources" in guarded.ok("sources", "list", "--token-file", guarded.environ["RIGHT"]).out


@pytest.mark.parametrize(
    ("flags", "wants"),
    [
        (["--auth", "off"], "--auth off is for loopback only"),
        ([], "needs --tls-cert-file and --tls-key-file"),
        (["--listen", "127.0.0.1:0"], "because it knows no admin's token"),
    ],
)
def test_a_server_refuses_to_run_open_or_useless(tmp_path: Path, flags: list[str], wants: str) -> None:
    """An open door on a network must not be possible by omission, and nobody could open one without a token."""
    command = [sys.executable, "-m", "towpath_server", "--listen", "0.0.0.0:7070", "--create-key-file", *flags]
    done = subprocess.run(
        [*command, "--key-file", str(tmp_path / "key")],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60,
        env={name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")},
    )  # fmt: skip
    assert done.returncode != 0
    assert wants in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
