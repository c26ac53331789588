"""Secrets of a case file are found, and masked before anything is cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from towpath.connector.v1 import connector_pb2, destination_pb2, source_pb2, types_pb2
from towpath_conformance.case import Case, load_case
from towpath_conformance.concealment import secrets_of
from towpath_conformance.shown import said
from towpath_sdk.redaction import Redactor

SECRET = 'pä"ss\\word\nof two lines'

SCHEMA = json.dumps(
    {
        "properties": {
            "host": {"type": "string"},
            "key": {"type": "string", "writeOnly": True},
            "tunnel": {"anyOf": [{"$ref": "#/$defs/Tunnel"}, {"type": "null"}]},
            "accounts": {"type": "array", "items": {"$ref": "#/$defs/Tunnel"}},
        },
        "$defs": {
            "Tunnel": {"properties": {"phrase": {"x-towpath-secret": True}, "next": {"$ref": "#/$defs/Tunnel"}}},
        },
    }
)


def found(case: dict[str, object], schema: str = SCHEMA) -> set[str]:
    return set(secrets_of(Case.model_validate(case), schema).secrets)


def test_what_the_schema_calls_secret_is() -> None:
    """At any depth, in lists, behind references, and in schemas that refer to themselves."""
    config = {
        "host": "db.example",
        "key": "key-1",
        "tunnel": {"phrase": "phrase-1", "next": {"phrase": 123456}},
        "accounts": [{"phrase": "phrase-2"}, {"phrase": ["phrase-3", {"a": "phrase-4"}]}],
    }
    secret = {"key-1", "phrase-1", "123456", "phrase-2", "phrase-3", "phrase-4"}
    assert found({"config": config}) == secret


def test_a_valid_variation_is_as_secret_as_the_configuration() -> None:
    """It opens the same doors. An invalid one opens none, and "wrong" must not vanish from every sentence."""
    streams = [{"name": "s"}]
    assert found(
        {
            "config": {},
            "invalid": [{"name": "wrong key", "set": {"key": "wrong"}}],
            "source": {
                "streams": streams,
                "large_set": {"tunnel.phrase": "phrase-1"},
                "many_streams": {"key": "key-2"},
            },
            "destination": {"read_back": {"command": ["x"]}, "blocked_set": {"key": "key-3"}},
        }
    ) == {"phrase-1", "key-2", "key-3"}


@pytest.mark.parametrize(
    ("config", "secret"),
    [
        ({"password": "hunter22"}, {"hunter22"}),
        ({"api_key": "hunter22"}, {"hunter22"}),
        ({"apiKey": "hunter22"}, {"hunter22"}),
        ({"db": {"accessToken": "hunter22"}}, {"hunter22"}),
        ({"client_secret": "hunter22", "secret_name": "billing"}, {"hunter22"}),
        ({"primary_key": "order_id", "tokens_per_second": "many"}, set[str]()),
        ({"url": "postgresql://app:hunter22@db.example/shop"}, {"hunter22"}),
        ({"url": "https://db.example:8080/@home"}, set[str]()),
        ({"pin": "1234567"}, set[str]()),
    ],
    ids=str,
)
def test_what_is_named_as_secrets_are_is_one(config: dict[str, object], secret: set[str]) -> None:
    """A connector whose schema forgets to say so is judged too, and its author publishes the report."""
    assert found({"config": config}, "{}") == secret


def test_what_came_from_the_environment_is_secret(tmp_path: Path) -> None:
    """Whoever writes `${NAME}` has a reason; where one is at home is none."""
    (tmp_path / "c.yaml").write_text(
        "config: {dsn: 'user=app pw=${PW} host=${HOST}', cache: '${HOME}/cache', plain: '$${PLAIN}'}\n"
        "source: {seed: {sql: 'SELECT 1', url: '${URL}'}, streams: [{name: s}]}\n"
    )
    environ = {"PW": "from-the-vault", "HOST": "db1", "HOME": "/home/me", "URL": "file:seed.db", "PLAIN": "never-read"}
    case = load_case(tmp_path / "c.yaml", environ)
    assert case.config["plain"] == "${PLAIN}"
    assert set(secrets_of(case).secrets) == {"from-the-vault", "file:seed.db"}, "three characters are too few to mask"
    assert "vault" not in repr(case.model_dump(mode="json", exclude={"config"}))
    assert "from_environment" not in repr(case)


def _status() -> status_pb2.Status:
    status = status_pb2.Status(code=3, message=f"cannot log in with {SECRET}")
    status.details.add().Pack(types_pb2.FailureInfo(user_message=SECRET))
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="LOGIN"))
    return status


@pytest.mark.parametrize(
    "message",
    [
        connector_pb2.CheckRequest(config_json=json.dumps({"key": SECRET})),
        connector_pb2.CheckRequest(config_json=json.dumps({"key": SECRET}, ensure_ascii=False)),
        connector_pb2.CheckResponse(results=[connector_pb2.CheckResult(probe="login", status=_status())]),
        source_pb2.ReadRequest(open=source_pb2.ReadOpen(config_json=json.dumps({"key": SECRET}), shared_state=b"ok")),
        source_pb2.ReadResponse(checkpoint=types_pb2.Checkpoint(stream=0, state=f"at {SECRET}".encode())),
        source_pb2.ReadResponse(log=types_pb2.LogEntry(message="hello", attributes={"key": SECRET})),
        destination_pb2.CompleteWriteRequest(receipts=[b"one", json.dumps(SECRET).encode()]),
    ],
    ids=lambda message: message.DESCRIPTOR.name,
)
def test_a_secret_in_any_field_of_a_message_is_masked(message: Message) -> None:
    """However it is escaped on the way, and whatever kind of field it is in."""
    text = said(message, Redactor([SECRET]))
    assert "***" in text
    assert "ss" not in text.replace("message", "").replace("pass", "")
    assert "two lines" not in text


def test_the_rest_of_a_message_is_shown_as_it_is() -> None:
    """A report that masks what is no secret hides the mistake."""
    message = source_pb2.ReadResponse(checkpoint=types_pb2.Checkpoint(checkpoint_seq=3, stream=0, state=b"\x00at 7"))
    assert said(message, Redactor([SECRET])) == r'checkpoint { checkpoint_seq: 3 stream: 0 state: "\000at 7" }'
    detailed = said(_status(), Redactor(["LOGIN, nearly"]))
    assert '[type.googleapis.com/google.rpc.ErrorInfo] { reason: "LOGIN" }' in detailed


@pytest.mark.parametrize("at", [0, 100, 560, 590, 599, 700])
def test_a_secret_is_masked_wherever_a_long_message_is_cut(at: int) -> None:
    """What was cut in two is found no more, and half a password is most of one."""
    secret = "correct-horse-battery-staple"
    message = connector_pb2.CheckRequest(config_json="x" * at + secret + "x" * 2000)
    assert "correct" not in said(message, Redactor([secret]))
    batch = types_pb2.Batch(ipc_messages=b"x" * (at % 48) + secret.encode() + bytes(100_000))
    assert "correct" not in said(source_pb2.ReadResponse(batch=batch), Redactor([secret]))
    assert "636f7272656374" not in said(b"\xff" * (at % 48) + secret.encode() + bytes(100), Redactor([secret]))


def test_large_fields_are_cut_and_say_how_large_they_were() -> None:
    """Whoever debugs wants the header, not a megabyte of Arrow."""
    batch = types_pb2.Batch(schema_id=1, batch_seq=7, rows=3, ipc_messages=b"a" * 1_000_000)
    text = said(source_pb2.ReadResponse(batch=batch), Redactor())
    assert text.startswith('batch { schema_id: 1 batch_seq: 7 rows: 3 ipc_messages: "aaaa')
    assert "(1000000 bytes)" in text
    assert len(text) < 300


def test_bytes_that_are_no_message_are_shown_as_such() -> None:
    """They are what a fault test sends, and a detail that does not hold what it says must not end the run."""
    assert said(b"\x01\xff", Redactor()) == "2 bytes 01ff"
    status = status_pb2.Status(code=3)
    status.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff\xff")
    assert said(status, Redactor()).startswith("Status of ")
    assert said("beep \x07 \x1b[31m \ud800", Redactor()) == "beep � �[31m �"
