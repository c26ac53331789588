"""The case file: read once, with messages that name what is at fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from towpath.connector.v1 import types_pb2
from towpath_conformance.case import Case, InvalidConfig, Patience, StreamCase, load_case
from towpath_sdk.errors import Misconfigured


def read(folder: Path, text: str, environ: dict[str, str] | None = None) -> Case:
    (folder / "conformance.yaml").write_text(text)
    return load_case(folder / "conformance.yaml", environ or {})


def test_variables_are_put_into_strings_at_any_depth(tmp_path: Path) -> None:
    """Secrets stay out of the file, and a plain `${` can still be written."""
    case = read(tmp_path, "config: {a: ['x${A}y', {b: '$${A}'}], n: 7, '${A}': 1}", {"A": "1"})
    assert case.config == {"a": ["x1y", {"b": "${A}"}], "n": 7, "${A}": 1}
    assert json.loads(case.config_json) == case.config
    assert case.folder == tmp_path


@pytest.mark.parametrize(
    ("text", "says", "fields"),
    [
        ("config: {a: '${GONE}'}", "GONE, which the case file uses, is not set", []),
        ("- config", "holds no mapping", []),
        ("", "holds no mapping", []),
        ("config: [", "is not YAML", []),
        ("confg: {}", "is not a case file", ["config", "confg"]),
        ("config: {}\nsource: {streams: [{nme: x}]}", "is not a case file", ["source.streams.0.name"]),
        ("config: {}\ninvalid: [{name: x, kind: odd}]", "is not a case file", ["invalid.0.kind"]),
        ("config: {}\nsource: {streams: [{name: x}], seed: {sql: SELECT}}", "is not a case file", ["source.seed"]),
        ("config: {}\ndestination: {read_back: {}}", "is not a case file", ["destination.read_back"]),
        ("config: {}\npatience: {cycles: 1}", "is not a case file", ["patience.cycles"]),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_mistake_is_named_by_its_place(tmp_path: Path, text: str, says: str, fields: list[str]) -> None:
    """The file is written by hand; "invalid" alone would send its author through a hundred lines."""
    with pytest.raises(Misconfigured) as caught:
        read(tmp_path, text)
    assert says in caught.value.message
    assert set(fields) <= set(caught.value.fields)


def test_a_file_that_is_not_there_says_who_writes_it(tmp_path: Path) -> None:
    """It is the first thing that a newcomer runs into."""
    with pytest.raises(Misconfigured, match="`towpath conformance init` writes one"):
        load_case(tmp_path / "conformance.yaml")


def test_an_invalid_configuration_is_the_valid_one_spoilt() -> None:
    """Dotted paths reach inside, and the valid configuration stays as it is."""
    valid = {"host": "h", "tunnel": {"port": 22, "user": "u"}}
    spoilt = InvalidConfig(name="x", set={"tunnel.port": "no", "new.field": 1}, drop=["host", "tunnel.user", "a.b"])
    assert spoilt.config(valid) == {"tunnel": {"port": "no"}, "new": {"field": 1}}
    assert valid == {"host": "h", "tunnel": {"port": 22, "user": "u"}}


@pytest.mark.parametrize(
    ("given", "name", "text"),
    [
        ({"name": "orders"}, ("", "orders"), "orders"),
        ({"name": "public.orders"}, ("public", "orders"), "public.orders"),
        ({"name": "a.b.csv", "namespace": ""}, ("", "a.b.csv"), "a.b.csv"),
        ({"name": "b.csv", "namespace": "a"}, ("a", "b.csv"), "a.b.csv"),
        ({"name": "orders", "mode": "incremental"}, ("", "orders"), "orders (incremental)"),
    ],
    ids=str,
)
def test_a_stream_is_named_as_people_do(given: dict[str, str], name: tuple[str, str], text: str) -> None:
    """A point parts the namespace from the name, unless the name itself has one."""
    stream = StreamCase.model_validate(given)
    assert stream.stream_name == types_pb2.StreamName(namespace=name[0], name=name[1])
    assert str(stream) == text


def test_quick_shortens_and_never_lengthens() -> None:
    """And it leaves alone what only bounds how long to wait: a slow machine is no faster in the inner loop."""
    full = Patience()
    assert full.shortened() == {}
    quick = full.quick()
    assert quick.shortened()["bit_flips"] == (40, 300)
    assert (quick.ready_seconds, quick.call_seconds) == (full.ready_seconds, full.call_seconds)
    assert quick.drain_seconds == full.drain_seconds
    shorter = Patience(bit_flips=5).quick()
    assert shorter.bit_flips == 5
    assert shorter.shortened()["bit_flips"] == (5, 300)
