"""A secret of the configuration leaves the process nowhere: not in logs, prints, statuses, states; in no spelling."""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sdk_failing import SECRET
from sdk_yielding import STREAM
from towpath_sdk import Bug, Denied, Misconfigured
from towpath_sdk.redaction import MASK, Redactor
from towpath_sdk.testing import ConnectorProcess, connector_process

PROGRAM = Path(__file__).parent / "connectors" / "leaky_source.py"
KEY = "\n".join(
    ["-----BEGIN PRIVATE KEY-----", *(f"{i}{'kEyLiNe' * 9}" for i in range(4)), "-----END PRIVATE KEY-----"]
)
CONFIG = {"user": "app", "password": SECRET, "private_key": KEY}


def program() -> ModuleType:
    """Import the connector's program, for its list of spellings."""
    spec = importlib.util.spec_from_file_location("leaky_source", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def leaky() -> Iterator[ConnectorProcess]:
    """One process for all tests: what one of them leaves in the log, all of them look at."""
    with connector_process(sys.executable, PROGRAM) as connector:
        yield connector


def leaks_in(text: str) -> list[str]:
    """Return the spellings of the secret, and the lines of the key, that a text contains."""
    inner = [spelling.strip("\"'") for spelling in program().spellings(SECRET)[:6]]
    doubled = json.dumps(SECRET)[1:-1]
    aligned = base64.b64encode(f"user:{SECRET}".encode()).decode()[8:-4]
    return [part for part in [*inner, doubled, aligned, *KEY.splitlines()[1:-1]] if part in text]


def test_nothing_that_is_printed_or_logged_holds_a_secret(leaky: ConnectorProcess) -> None:
    """Logs of connectors are kept for weeks, and read by people who must not know the password."""
    result = leaky.read(CONFIG, STREAM, may_fail=True)
    output = leaky.output
    assert leaks_in(output) == []
    assert "w0rd" not in output
    assert output.count(f"printed {MASK}") >= 6 * 2
    assert "end of what was printed" in output
    assert leaks_in("\n".join(str(entry) for entry in result.logs)) == []
    assert len(result.logs) == 9
    for line in output.splitlines():
        json.loads(line)


def test_values_that_were_logged_stay_beside_their_event(leaky: ConnectorProcess) -> None:
    """Whichever library the author logs with, and whatever name a value has."""
    leaky.read(CONFIG, STREAM, may_fail=True)
    lines = [json.loads(line) for line in leaky.output.splitlines()]
    mine = [line for line in lines if line.get("logger") == "author"]
    assert ("warning", MASK) in {(line["level"], line["more"]) for line in mine if "more" in line}
    structured = [(line["level"], line["name_"], line["nested"]) for line in mine if "nested" in line]
    assert ("info", MASK, {"deep": [MASK]}) in structured
    assert {line["event"].split()[0] for line in mine if "exception" in line} == {"failed"}


def test_failures_hold_no_secret(leaky: ConnectorProcess) -> None:
    """What a user sees of a failure is pasted into tickets."""
    (probe,) = leaky.check(CONFIG)
    failed = leaky.read(CONFIG, STREAM, may_fail=True).failure
    assert isinstance(probe.failure, Denied)
    assert probe.failure.message == f"{MASK} is wrong"
    assert probe.failure.reason == f"WRONG_{MASK}"
    assert probe.failure.fields == {f"x.{MASK}": f"not {MASK}"}
    assert isinstance(failed, Bug)
    assert failed.message == f"reading things raised ConnectionError: could not log in with {MASK}"


def test_secret_in_a_state_is_refused(leaky: ConnectorProcess) -> None:
    """States are stored and shown; masking one would break it, so that it has to be refused."""
    result = leaky.read({**CONFIG, "state_leaks": True}, STREAM, may_fail=True)
    assert isinstance(result.failure, Bug)
    assert result.failure.reason == "SECRET_IN_STATE"
    assert result.checkpoints == []


@pytest.mark.parametrize("password", ["short-but-secret", "broken-but-secret"])
def test_refused_configuration_does_not_quote_its_secret(leaky: ConnectorProcess, password: str) -> None:
    """A validator that quotes what it refuses must not put it into a form's error message, or into a log."""
    expected = Misconfigured if password.startswith("short") else Bug
    with pytest.raises(expected) as refused:
        leaky.check({**CONFIG, "password": password})
    assert password not in str(refused.value)
    assert MASK in str(refused.value)
    assert password not in leaky.output


def test_validator_that_breaks_is_the_authors_problem(leaky: ConnectorProcess) -> None:
    """The user cannot mend it; the author needs the place."""
    with pytest.raises(Bug) as refused:
        leaky.check({**CONFIG, "user": "nobody"})
    assert "RuntimeError" in refused.value.message


def test_secrets_are_neither_in_the_arguments_nor_in_the_environment(leaky: ConnectorProcess) -> None:
    """Every user of a machine can read the arguments of all processes."""
    leaky.check(CONFIG)
    proc = Path("/proc") / str(leaky.pid)
    assert leaks_in((proc / "cmdline").read_text()) == []
    assert leaks_in((proc / "environ").read_text()) == []


def test_redactor_does_not_show_what_it_hides() -> None:
    """A `repr` in a traceback would undo all of it."""
    assert repr(Redactor([SECRET, KEY])) == "Redactor(2 secrets)"


@pytest.mark.parametrize("text", ["", "a", "abc", "***"])
def test_secrets_too_short_to_hide_leave_texts_alone(text: str) -> None:
    """Masking every `a` would protect nothing and spoil every message."""
    assert Redactor([text]).redact("an abacus costs ab") == "an abacus costs ab"


def test_longer_secret_wins_over_its_beginning() -> None:
    """Two secrets of which one begins the other must not leave the rest of the longer one."""
    assert Redactor(["token", "token-long"]).redact("token-long token") == f"{MASK} {MASK}"
