"""`towpath conformance init`: a case file, complete but for what only the author of the connector knows."""

from __future__ import annotations

import json
import re
import sys
from contextlib import chdir
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from cli_prompt import run_here
from conformance_prompt import PASSWORD, Prompt, program
from stack import Finished
from towpath.connector.v1 import connector_pb2, types_pb2
from towpath_conformance.case import Case, DestinationCase, Patience, SourceCase, load_case
from towpath_conformance.first_case import Known, first_case
from towpath_conformance.registry import CHECKS

COMMAND = "towpath conformance --command 'python source.py' --input conformance.yaml"

SCHEMA: dict[str, Any] = {
    "properties": {
        "host": {"type": "string", "description": "Name of the server."},
        "port": {"type": "integer", "default": 5432, "description": "Its port."},
        "password": {"type": "string", "writeOnly": True, "format": "password"},
        "kind": {"enum": ["fast", "safe"]},
        "tunnel": {
            "anyOf": [{"$ref": "#/$defs/Tunnel"}, {"type": "null"}],
            "default": None,
            "description": "Through which to reach it.",
        },
        "format": {
            "oneOf": [
                {"title": "Text", "type": "object", "properties": {"type": {"const": "text"}}, "required": ["type"]},
                {
                    "title": "Table",
                    "type": "object",
                    "properties": {
                        "type": {"const": "table"},
                        "columns": {"type": "array", "items": {"type": "string"}},
                    },
                    "required": ["type", "columns"],
                },
            ]
        },
        "yes": {"type": "boolean", "default": True},
    },
    "required": ["host", "password", "kind", "format"],
    "$defs": {
        "Tunnel": {
            "type": "object",
            "properties": {
                "apiKey": {"type": "string", "x-towpath-secret": True},
                "via": {"$ref": "#/$defs/Tunnel"},
            },
            "required": ["apiKey"],
        }
    },
}


def spec(*roles: connector_pb2.Role, schema: dict[str, Any] | None = None) -> connector_pb2.SpecResponse:
    return connector_pb2.SpecResponse(
        connector_id="com.example.x",
        connector_version="1.0.0",
        roles=roles or [connector_pb2.ROLE_SOURCE],
        config_json_schema=json.dumps(SCHEMA if schema is None else schema),
    )


def stream(name: str, *modes: types_pb2.ReadMode, namespace: str = "", cursor: str = "") -> types_pb2.StreamDescriptor:
    return types_pb2.StreamDescriptor(
        name=types_pb2.StreamName(namespace=namespace, name=name),
        read_modes=modes or [types_pb2.READ_MODE_SNAPSHOT],
        cursor_columns=[cursor] if cursor else [],
    )


def parsed(text: str) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load(text))


def test_required_fields_have_a_value_and_secrets_a_variable() -> None:
    """What has to be filled in is there and marked; what is secret is never written into a file."""
    text = first_case(Known(spec()), COMMAND)
    assert parsed(text)["config"] == {
        "host": "...",
        "password": "${PASSWORD}",
        "kind": "fast",
        "format": {"type": "text"},
    }
    assert "  # Name of the server. (string, required)\n  host: '...'  # <- fill in\n" in text
    assert "  # (string, password, secret, required)\n  password: ${PASSWORD}\n" in text
    assert "  # (one of fast, safe, required)\n  kind: fast\n" in text
    assert f"#   {COMMAND}\n" in text


def test_optional_fields_are_there_to_be_switched_on() -> None:
    """With their defaults: an author should not have to look into the schema for what there is."""
    text = first_case(Known(spec()), COMMAND)
    assert "  # Its port. (integer, default 5432)\n  # port: 5432\n" in text
    assert "  # 'yes': true\n" in text
    assert "${TUNNEL_API_KEY}" in text
    assert "    # Table:\n" in text


def test_configurations_that_must_fail_are_guessed() -> None:
    """A wrong password and an unreachable host are what every connector meets."""
    invalid = parsed(first_case(Known(spec()), COMMAND))["invalid"]
    assert invalid == [
        {"name": "unknown host", "kind": "unreachable", "set": {"host": "nowhere.invalid"}},
        {"name": "wrong password", "kind": "credentials", "set": {"password": "not-the-right-one"}},
    ]


def test_a_given_configuration_is_kept_but_for_its_secrets() -> None:
    """The file goes into a repository; what the schema does not know is the author's and stays."""
    given = {
        "host": "db1",
        "port": 1,
        "password": "hunter22",
        "kind": "safe",
        "format": {"type": "table", "columns": ["a"]},
        "tunnel": {"apiKey": "${TUNNEL}", "via": {"apiKey": "hunter23"}},
        "extra": {"of": "the author"},
    }
    text = first_case(Known(spec(), given), COMMAND)
    assert "hunter" not in text
    assert parsed(text)["config"] == {
        **given,
        "password": "${PASSWORD}",
        "tunnel": {"apiKey": "${TUNNEL}", "via": {"apiKey": "${TUNNEL_VIA_API_KEY}"}},
    }
    assert "  # 'yes': true\n" in text
    assert "  host: db1\n" in text


def test_a_configuration_without_required_fields_is_empty_and_valid() -> None:
    """Nothing has to be said then, and the file must not be one that cannot be read."""
    text = first_case(Known(spec(schema={"properties": {"a": {"type": "integer"}}})), COMMAND)
    assert parsed(text)["config"] == {}
    assert "  # (integer, optional)\n  # a: 0\n" in text
    assert parsed(first_case(Known(spec(schema={})), COMMAND))["config"] == {}


def test_streams_are_listed_with_the_modes_that_they_have() -> None:
    """Each mode is judged; a name with a point in it is told from a namespace."""
    snapshot, incremental, changes = (
        types_pb2.READ_MODE_SNAPSHOT,
        types_pb2.READ_MODE_INCREMENTAL,
        types_pb2.READ_MODE_CHANGES,
    )
    streams = [
        stream("orders", snapshot, incremental, namespace="public", cursor="updated_at"),
        stream("log", incremental),
        stream("a.b.csv"),
        stream("feed", changes),
        *(stream(f"more{number}") for number in range(10)),
    ]
    text = first_case(Known(spec(), {"host": "x"}, streams), COMMAND)
    case = Case.model_validate(parsed(text))
    assert case.source is not None
    assert [str(one) for one in case.source.streams] == [
        "public.orders",
        "public.orders (incremental)",
        "log (incremental)",
        "a.b.csv",
        "feed (changes)",
        "more0",
        "more1",
    ]
    assert case.source.streams[1].cursor == "updated_at"
    assert case.source.streams[3].stream_name == types_pb2.StreamName(name="a.b.csv")
    assert "# and 8 more that the connector discovers" in text


def test_every_field_of_a_case_file_is_offered_with_its_users() -> None:
    """What is not known of is not given, and what is not given is not judged."""
    both = spec(connector_pb2.ROLE_SOURCE, connector_pb2.ROLE_DESTINATION)
    text = first_case(Known(both), COMMAND)
    offered = set(re.findall(r"^#? *(?:# )?(\w+):", text, re.MULTILINE))
    assert {*SourceCase.model_fields, *DestinationCase.model_fields, *Patience.model_fields} <= offered
    users = [one.id for one in CHECKS.values() if "source.type_matrix" in one.inputs]
    assert users
    assert f"Needed by {', '.join(users)}." in " ".join(text.replace("#", "").split())


def test_a_file_for_both_roles_can_be_read_once_its_variables_are_set(tmp_path: Path) -> None:
    """A generated file that is refused would be a poor beginning."""
    both = spec(connector_pb2.ROLE_SOURCE, connector_pb2.ROLE_DESTINATION)
    (tmp_path / "c.yaml").write_text(first_case(Known(both), COMMAND))
    case = load_case(tmp_path / "c.yaml", {"PASSWORD": "hunter22"})
    assert case.config["password"] == "hunter22"
    assert case.destination is not None
    assert case.destination.read_back.command == ["python", "read_back.py", "{namespace}", "{stream}"]
    assert case.patience == Patience()


@pytest.fixture
def prompt(tmp_path: Path) -> Prompt:
    prompt = Prompt(tmp_path)
    (tmp_path / "conformance.yaml").unlink()
    return prompt


def init(prompt: Prompt, *arguments: str, before: tuple[str, ...] = ()) -> Finished:
    with chdir(prompt.folder):
        return run_here("conformance", *before, "init", *arguments, environ=prompt.env())


def test_from_nothing_to_a_verdict_in_two_commands(prompt: Prompt) -> None:
    """With a configuration that works there is nothing left to fill in."""
    config = {"path": str(prompt.folder / "lines.txt"), "password": "${LINES_PASSWORD}"}
    (prompt.folder / "config.json").write_text(json.dumps(config))
    wrote = init(prompt, "--command", program(), "--config", "config.json")
    assert (wrote.code, wrote.out) == (0, ""), wrote.err
    assert "wrote conformance.yaml; run:\n  towpath conformance --command" in wrote.err
    text = (prompt.folder / "conformance.yaml").read_text()
    assert PASSWORD not in text
    assert parsed(text)["config"] == config
    assert parsed(text)["source"] == {"streams": [{"name": "lines"}]}
    judged = prompt.judge("good", "--check", "read.opened-first", "--check", "read.batch-seq")
    assert judged.code == 0, judged.err


def test_without_a_configuration_it_says_what_is_missing(prompt: Prompt) -> None:
    """And writes all that can be known."""
    wrote = init(prompt, "--command", program(), "--input", "mine.yaml")
    assert wrote.code == 0
    assert (
        "no streams are listed, because it takes a configuration to discover them; give one with --config" in wrote.err
    )
    assert "complete the lines marked `fill in`" in wrote.err
    assert parsed((prompt.folder / "mine.yaml").read_text())["config"] == {"path": "...", "password": "${PASSWORD}"}


def test_options_may_stand_before_the_subcommand(prompt: Prompt) -> None:
    """Whoever adds `init` to a line that was there does not mind where it goes."""
    wrote = init(prompt, before=("--command", program(), "--input", "mine.yaml"))
    assert wrote.code == 0, wrote.err
    assert (prompt.folder / "mine.yaml").exists()


def test_a_file_that_is_there_is_never_overwritten_unasked(prompt: Prompt) -> None:
    """An hour's work may be in it."""
    (prompt.folder / "conformance.yaml").write_text("mine")
    refused = init(prompt, "--command", program())
    assert refused.code == 6
    assert "conformance.yaml is there already; --force overwrites it" in refused.err
    assert (prompt.folder / "conformance.yaml").read_text() == "mine"
    assert init(prompt, "--command", program(), "--force").code == 0
    assert "com.example.source-lines" in (prompt.folder / "conformance.yaml").read_text()


@pytest.mark.parametrize(
    ("config", "code", "says"),
    [
        ('{"path": "/nowhere", "password": "hunter22"}', 0, "the connector refuses the configuration"),
        ("- a list", 3, "holds no configuration: a mapping is expected"),
        ("{", 3, "is neither YAML nor JSON"),
        ('{"path": "${NOT_SET_ANYWHERE}"}', 3, "NOT_SET_ANYWHERE, which the case file uses, is not set"),
        (None, 3, "cannot read config.yaml"),
    ],
    ids=["refused", "list", "broken", "variable", "absent"],
)
def test_a_configuration_that_does_not_work_is_said_to(
    prompt: Prompt, config: str | None, code: int, says: str
) -> None:
    """One that the connector refuses is still the author's, and is written down."""
    if config is not None:
        (prompt.folder / "config.yaml").write_text(config)
    wrote = init(prompt, "--command", program(), "--config", "config.yaml")
    assert wrote.code == code, wrote.err
    assert says in wrote.err
    assert "hunter22" not in wrote.err
    assert (prompt.folder / "conformance.yaml").exists() is (code == 0)


def test_a_connector_that_does_not_start_gives_no_secret_away(prompt: Prompt) -> None:
    """It knows the password from the same environment."""
    (prompt.folder / "config.yaml").write_text("password: ${LINES_PASSWORD}")
    failed = init(prompt, "--command", program("ends"), "--config", "config.yaml")
    assert failed.code == 7
    assert "the password is ***" in failed.err
    assert PASSWORD not in failed.err


@pytest.mark.parametrize("connector", ["towpath_source_faker", "towpath_source_postgres", "towpath_destination_s3"])
def test_connectors_of_this_repository_get_a_readable_file(prompt: Prompt, connector: str) -> None:
    """Their schemas have unions, nested models, secrets and long texts."""
    assert init(prompt, "--command", f"{sys.executable} -m {connector}").code == 0
    text = (prompt.folder / "conformance.yaml").read_text()
    Case.model_validate(parsed(text))
    assert max(map(len, text.splitlines()[4:])) <= 120
