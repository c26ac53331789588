"""`towpath conformance`: what is judged, what it says, and how it ends."""

from __future__ import annotations

import json
import re
import secrets
import shlex
import signal
import subprocess
import time
from base64 import b64encode
from collections.abc import Generator
from contextlib import chdir, contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from cli_prompt import run_here
from conformance_prompt import PASSWORD, Prompt, in_terminal, program
from stack import Finished
from towpath_conformance.registry import CHECKS, DESTINATION, Group

OPENED, SEQUENCE = "read.opened-first", "read.batch-seq"
CHOSEN = ["--check", OPENED, "--check", SEQUENCE]


@pytest.fixture
def prompt(tmp_path: Path) -> Prompt:
    return Prompt(tmp_path)


def test_a_connector_that_keeps_the_rules_ends_with_0(prompt: Prompt) -> None:
    """It is what a CI waits for: results on standard output, progress apart from them, and the seed."""
    done = prompt.judge("good", *CHOSEN, "--seed", "11")
    assert done.code == 0, done.err
    assert done.out.startswith("com.example.source-lines 1.2.3  source, protocol 1.0\n")
    assert re.search(rf"^  PASS   {OPENED} +\d+\.\d\d s$", done.out, re.MULTILINE)
    assert re.search(r"^PASSED: 2 passed  in \d+\.\d s, seed 11\n\Z", done.out, re.MULTILINE)
    assert done.err == "judging by 2 checks, seed 11\nread: 2 passed\n"


def test_a_failing_check_says_what_to_do_and_its_command_repeats_it_alone(prompt: Prompt) -> None:
    """Whoever has to mend it needs the rule, what was said on the wire, and a short way to see it again."""
    done = prompt.judge("opens-twice", *CHOSEN, "--quick", "--seed", "12")
    assert done.code == 1
    assert f"FAIL {OPENED}: the Read of lines sent opened 2 times" in done.err
    said = done.out
    assert "the Read of lines sent opened 2 times" in said
    labels = re.findall(r"^ {9}(rule|why|fix|messages|again)\b", said, re.MULTILINE)
    assert labels == ["rule", "why", "fix", "messages", "again"]
    assert CHECKS[OPENED].fix.split(",")[0] in said
    assert "-> Read open { config_json:" in said
    assert said.count("<- Read opened { }") == 2
    (again,) = re.findall(r"^ +again (towpath .+)$", said, re.MULTILINE)
    words = shlex.split(again)
    assert words[:2] == ["towpath", "conformance"]
    repeated = prompt(*words[2:])
    assert repeated.code == 1
    assert "judging by 1 checks, seed 12" in repeated.err
    assert "the Read of lines sent opened 2 times" in repeated.out
    assert SEQUENCE not in repeated.out


def test_the_seed_is_random_unless_it_is_given(prompt: Prompt) -> None:
    """Random, so that runs differ; said, so that each of them can be had again."""
    seeds = [prompt.judge("good", "--check", OPENED, "-o", "json").json["seed"] for _ in range(2)]
    assert seeds[0] != seeds[1]
    assert prompt.judge("good", "--check", OPENED, "-o", "json", "--seed", "7").json["seed"] == 7


def test_json_on_standard_output_is_nothing_but_json(prompt: Prompt) -> None:
    """It is piped into other programs."""
    report = prompt.judge("opens-twice", *CHOSEN, "--output", "json").json
    assert {one["id"]: one["outcome"] for one in report["checks"]} == {OPENED: "FAIL", SEQUENCE: "PASS"}


@pytest.mark.parametrize("fails", ["opens-twice", "tattles"])
def test_no_report_shows_a_secret_of_the_case_file(prompt: Prompt, fails: str) -> None:
    """Reports are published: neither the configuration on the wire nor what a connector blurts out may give it away."""
    chosen = ["--check", OPENED, "--check", "handshake.no-common-version"]
    done = prompt.judge(fails, *chosen, "-v", "--json", "r.json", "--junit", "r.xml", "--html", "r.html")
    assert done.code == 1
    spellings = {PASSWORD, quote(PASSWORD), quote(PASSWORD, safe=""), json.dumps(PASSWORD)[1:-1], "c4nary"}
    spellings |= {json.dumps(json.dumps(PASSWORD))[1:-1], b64encode(PASSWORD.encode()).decode()}
    texts = {"standard output": done.out, "standard error": done.err}
    texts |= {file: (prompt.folder / file).read_text() for file in ("r.json", "r.xml", "r.html")}
    shown = {name: [one for one in spellings if one in text] for name, text in texts.items()}
    assert shown == {name: [] for name in texts}
    assert all("***" in text for name, text in texts.items() if name != "standard error")


def test_a_connector_that_does_not_start_gives_no_secret_away_either(prompt: Prompt) -> None:
    """What it printed is the best hint there is, and it may hold anything."""
    done = prompt.judge("ends", *CHOSEN)
    assert done.code == 7
    assert "ended with exit code 4 before it served; it printed: cannot find my keys, the password is ***" in done.err


def test_a_connector_that_never_serves_ends_with_7(prompt: Prompt) -> None:
    """Within the time that the case file allows, with what it printed."""
    prompt.write_case(patience={"ready_seconds": 2})
    done = prompt("--command", "sh -c 'echo still thinking; exec sleep 600'", *CHOSEN)
    assert done.code == 7
    assert "was not SERVING within 2 s; it printed: still thinking" in done.err


def run_here_in(prompt: Prompt, *arguments: str) -> Finished:
    """Run the command in this process, and in the folder of the prompt."""
    with chdir(prompt.folder):
        return run_here("conformance", *arguments, environ=prompt.env())


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "say what to judge: one of --command, --endpoint, --image, or a connector's own folder"),
        (["--command", "x", "--image", "y"], 2, "not --command and --image"),
        (["--command", "'"], 2, "--command cannot be read: No closing quotation"),
        (["--command", " "], 2, "--command is empty"),
        (["--command", "x", "--token-file", "y"], 2, "--token-file is for --endpoint"),
        (["--endpoint", "unix:/x", "--docker-network", "host"], 2, "are for --image"),
        (["--endpoint", "unix:/x", "--token-file", "nowhere"], 3, "cannot read the token file nowhere"),
        (["--check", "read.opened-frist"], 2, "did you mean read.opened-first"),
        (["--check", "zebra"], 2, "--list shows all"),
        (["--group", "reed"], 2, "'reed' is not one of"),
        (["--command", "x", "--html", "nowhere/r.html"], 2, "there is no folder nowhere"),
        (["--command", "x", "--input", "nowhere.yaml"], 3, "`towpath conformance init` writes one"),
        (["--command", "no-such-program-here"], 7, "`no-such-program-here` cannot be started"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_named_and_has_its_exit_code(prompt: Prompt, arguments: list[str], code: int, says: str) -> None:
    """A CI tells by the code whose mistake it is, and a person by the line."""
    done = run_here_in(prompt, *arguments)
    assert (done.code, done.out) == (code, "")
    assert says in done.err


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ({"sauce": {}}, "sauce: Extra inputs are not permitted"),
        ({"source": {"streams": []}}, "source.streams: List should have at least 1 item"),
        ({"config": {"path": "${NOT_SET_ANYWHERE}"}}, "NOT_SET_ANYWHERE, which the case file uses, is not set"),
        (
            {"source": {"streams": [{"name": "lines"}], "seed": {"command": ["python", "-c", "exit('disk full')"]}}},
            "`python` ended with exit code 1: disk full",
        ),
        (
            {"source": {"streams": [{"name": "lines"}], "seed": {"plugin": "nowhere:seed"}}},
            "there is no plug-in nowhere:seed",
        ),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[:30],
)
def test_a_case_file_at_fault_ends_with_3(prompt: Prompt, case: dict[str, object], says: str) -> None:
    """It says nothing of the connector, so it must not look as if it did."""
    prompt.write_case(**case)
    done = prompt.judge("good", *CHOSEN)
    assert (done.code, done.out) == (3, "")
    assert says in done.err


def test_a_run_that_judges_nothing_has_not_passed(prompt: Prompt) -> None:
    """Otherwise a misspelt group in a CI would be green for ever."""
    done = prompt.judge("good", "--check", "write.append")
    assert done.code == 1
    assert "SKIP   write.append  the connector does not declare the destination role" in done.out
    assert "NOT PASSED, because nothing was judged: 1 skipped" in done.out


def test_a_quick_run_says_that_it_was_one(prompt: Prompt) -> None:
    """Nobody should release by it unawares."""
    done = prompt.judge("good", *CHOSEN, "--quick", "--json", "r.json", "--html", "r.html")
    assert "This run was shortened: slow_reader_seconds 3 of 60" in done.out
    assert json.loads((prompt.folder / "r.json").read_text())["shortened"]["bit_flips"] == {"given": 40, "full": 300}
    assert "This run was shortened" in (prompt.folder / "r.html").read_text()


def test_a_run_of_a_few_checks_says_that_it_was_one(prompt: Prompt) -> None:
    """A page with a green badge must not hide what nobody asked for."""
    done = prompt.judge("good", *CHOSEN, "--json", "r.json", "--html", "r.html")
    left_out = json.loads((prompt.folder / "r.json").read_text())["left_out"]
    concern = [one for one in CHECKS.values() if DESTINATION not in one.needs]
    assert left_out == len(concern) - len(CHOSEN) // 2
    said = f"This run left out {left_out} checks that concern the connector."
    assert said in done.out
    assert said in (prompt.folder / "r.html").read_text()


def test_an_endpoint_is_judged_with_its_token(prompt: Prompt) -> None:
    """Whoever runs the connector elsewhere, in a debugger say, has its address and its token."""
    with _serving(prompt) as (address, token_file):
        endpoint = ["--endpoint", address, "--token-file", str(token_file)]
        done = prompt(*endpoint, *CHOSEN)
        assert done.code == 0, done.err + done.out
        refused = prompt("--endpoint", address, *CHOSEN)
        assert refused.code == 7
        assert "Spec failed: UNAUTHENTICATED" in refused.err
    gone = prompt.write_case(patience={"ready_seconds": 1}) or prompt(*endpoint, *CHOSEN)
    assert gone.code == 7
    assert f"nothing at {address} was SERVING within 1 s" in gone.err


@contextmanager
def _serving(prompt: Prompt) -> Generator[tuple[str, Path]]:
    token_file = prompt.folder / "token"
    token_file.write_text(secrets.token_hex(8))
    address = f"unix:{prompt.folder}/s"
    environ = {**prompt.env(), "TOWPATH_LISTEN": address, "TOWPATH_TOKEN_FILE": str(token_file)}
    with subprocess.Popen(
        shlex.split(program()), env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as one:
        try:
            yield address, token_file
        finally:
            one.kill()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
def test_an_interrupted_run_ends_at_once_and_leaves_no_process(prompt: Prompt, sent: signal.Signals) -> None:
    """Ctrl-C is the most used key of the inner loop; a CI sends SIGTERM, and counts what is left over."""
    with subprocess.Popen(
        prompt.argv("--command", program("hangs"), *CHOSEN),
        cwd=prompt.folder, env=prompt.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        try:
            assert running.stderr is not None
            assert "judging by 2 checks" in running.stderr.readline()
            started = psutil.Process(running.pid).children(recursive=True)
            assert started, "the connector runs"
            began = time.monotonic()
            running.send_signal(sent)
            _, err = running.communicate(timeout=30)
        finally:
            running.kill()
    assert running.returncode == 130
    assert time.monotonic() - began < 15
    assert "ended early: no checks, 2 not judged\n\nerror: interrupted\n" in err
    assert "Traceback" not in err
    _, alive = psutil.wait_procs(started, timeout=5)
    assert alive == []


def test_a_terminal_shows_what_runs_and_is_left_as_it_was(prompt: Prompt) -> None:
    """A picture that is redrawn is for people; what stays is the report."""
    drawn, code = in_terminal(prompt.argv("--command", program("opens-twice"), *CHOSEN), prompt.env(), prompt.folder)
    assert code == 1
    assert "starting the connector" in drawn
    assert drawn.count("\x1b[?25l") == drawn.count("\x1b[?25h") >= 1, "the cursor is there again"
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)
    assert re.search(r"[\r\n]read .* 2/2 ", plain)
    assert f"FAIL {OPENED}: the Read of lines sent opened 2 times" in plain
    assert "NOT PASSED: 1 passed, 1 failed" in plain


def test_all_checks_are_listed_and_explained(prompt: Prompt) -> None:
    """The list is the table of contents of the protocol."""
    listed = run_here_in(prompt, "--list").out
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ")] == _in_order()
    programs = run_here_in(prompt, "--list", "--output", "json").json
    assert [one["id"] for one in programs] == list(CHECKS)
    for one in CHECKS.values():
        said = run_here_in(prompt, "--explain", one.id).out
        assert said.startswith(f"{one.id}  {one.group.title}\n")
        assert one.asserts in said
        assert one.why in said
        assert one.fix in said
        assert all(f"`{path}`" in said for path in one.inputs)
        assert all(need.name in said for need in one.needs)


def test_a_group_of_the_list_is_that_group(prompt: Prompt) -> None:
    """Ninety lines are more than one wants to see."""
    listed = run_here_in(prompt, "--list", "--group", "read").out
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ")] == [
        one.id for one in CHECKS.values() if one.group is Group.READ
    ]


def test_ids_and_groups_are_completed(prompt: Prompt) -> None:
    """An id is what nobody remembers."""

    def complete(*words: str) -> list[str]:
        line = ("towpath", "conformance", *words)
        environ = {
            "_TOWPATH_COMPLETE": "bash_complete",
            "COMP_WORDS": shlex.join(line),
            "COMP_CWORD": str(len(line) - 1),
        }
        done = run_here(environ=environ)
        return [found.partition(",")[2] for found in done.out.splitlines()]

    assert complete("--check", "read.opened") == [OPENED]
    assert complete("--explain", "read.b")[0] == SEQUENCE
    assert complete("--group", "sec") == ["secrecy"]


def _in_order() -> list[str]:
    return [one.id for group in Group for one in CHECKS.values() if one.group is group]
