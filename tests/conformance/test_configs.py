"""Configurations with one thing wrong: what is spoilt, and when a refusal names it."""

from __future__ import annotations

import pytest
from towpath_conformance.configs import Spoilt, complaints_of, mistyped, names, without_required
from towpath_conformance.schema import Schema

SCHEMA: Schema = {
    "type": "object",
    "required": ["hosts", "login"],
    "properties": {
        "hosts": {"type": "array", "items": {"$ref": "#/$defs/Host"}},
        "login": {"oneOf": [{"$ref": "#/$defs/Password"}, {"$ref": "#/$defs/Key"}]},
        "retries": {"type": "integer", "default": 3},
    },
    "$defs": {
        "Host": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        "Password": {
            "type": "object",
            "required": ["kind", "password"],
            "properties": {"kind": {"const": "password"}, "password": {"type": "string"}},
        },
        "Key": {
            "type": "object",
            "required": ["kind", "key"],
            "properties": {"kind": {"const": "key"}, "key": {"type": "string"}},
        },
    },
}
CONFIG = {"hosts": [{"name": "a"}], "login": {"kind": "key", "key": "secret"}}


def test_each_field_that_the_schema_requires_is_left_out_in_turn() -> None:
    """In lists, behind references and in the alternative that is meant; a field of another one is not due."""
    spoilt = list(without_required(SCHEMA, CONFIG))
    assert [each.path for each in spoilt] == ["hosts", "hosts[0].name", "login", "login.kind", "login.key"]
    assert spoilt[1].config == {"hosts": [{}], "login": CONFIG["login"]}


def test_each_field_gets_a_value_of_a_wrong_type_also_where_it_was_left_out() -> None:
    """A default is no reason to let a wrong value pass."""
    paths = [each.path for each in mistyped(SCHEMA, CONFIG)]
    assert paths == ["hosts", "hosts[0].name", "login", "login.kind", "login.key", "retries"]


def test_valid_configuration_is_never_changed() -> None:
    """It is used for all other calls."""
    before = {"hosts": [{"name": "a"}], "login": {"kind": "key", "key": "secret"}}
    assert [*without_required(SCHEMA, CONFIG), *mistyped(SCHEMA, CONFIG)]
    assert before == CONFIG


@pytest.mark.parametrize(
    ("reported", "one_of_several", "named"),
    [
        ("hosts[0].name", False, True),
        ("hosts.0.name", False, True),
        ("$.hosts[0]['name']", False, True),
        ("hosts[0].name.first", False, True),
        ("hosts[1].name", False, False),
        ("hosts", False, False),
        ("hosts", True, True),
        ("host", True, False),
        ("", True, False),
    ],
)
def test_refusal_names_the_field_or_what_lies_within_it(reported: str, *, one_of_several: bool, named: bool) -> None:
    """However the path is written; the parent will do only where nobody can say which alternative was meant."""
    spoilt = Spoilt("hosts[0].name", "without it", {}, one_of_several)
    assert names({reported: "is wrong"}, spoilt) is named


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"hosts": {"$ref": "#/$defs/Missing"}}},
        {"properties": {"hosts": {"type": "strings"}}},
        {"properties": {"hosts": {"$ref": "https://example.com/schema.json"}}},
    ],
)
def test_schema_that_cannot_be_judged_by_is_told_from_one_that_complains(schema: Schema) -> None:
    """Another check says what is wrong with it; and nothing is fetched from anywhere."""
    assert complaints_of(schema, CONFIG) is None
