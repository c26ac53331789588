"""Secrets are found in every spelling, and only secrets are looked for."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from towpath_conformance.canaries import Wanted, canaried, secrets_in
from towpath_conformance.schema import Schema

SECRET = 'öffne+dich/"sesam"&='
MARKS = {"type": "string", "writeOnly": True, "x-towpath-secret": True}
SCHEMA: Schema = {
    "properties": {
        "user": {"type": "string"},
        "password": MARKS,
        "tunnel": {"properties": {"key": MARKS, "host": {"type": "string"}}},
    }
}


@pytest.mark.parametrize(
    "spell",
    [
        lambda secret: secret,
        quote,
        lambda secret: quote(secret, safe=""),
        lambda secret: quote(secret, safe="").lower(),
        quote_plus,
        lambda secret: urlencode({"password": secret}),
        lambda secret: json.dumps({"password": secret}),
        lambda secret: json.dumps({"password": secret}, ensure_ascii=False),
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
        lambda secret: base64.b64encode(f"a:{secret}".encode()).decode(),
        lambda secret: base64.b64encode(f"ab:{secret}:cd".encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(f"abc:{secret}:c".encode()).decode(),
        lambda secret: secret.encode().hex(),
    ],
)
def test_secret_is_found_in_every_usual_spelling(spell: Callable[[str], str]) -> None:
    """A leak in base64 is a leak; whoever reads the log decodes it."""
    assert Wanted({"password": SECRET}).found_in(f"before {spell(SECRET)} after").startswith("password, ")


def test_other_text_is_no_secret() -> None:
    """A check that cries wolf is switched off."""
    wanted = Wanted({"password": SECRET})
    assert wanted.found_in("opened, read 3 rows, password wrong") == ""
    assert wanted.found_in(base64.b64encode(b"another secret of some length")) == ""


def test_secret_that_is_also_something_else_is_not_looked_for() -> None:
    """The password "postgres" would be found in every message about the user of that name."""
    config = {"user": "postgres", "password": "postgres", "tunnel": {"key": "a-long-key", "host": "short"}}
    assert secrets_in(SCHEMA, config) == {"tunnel.key": "a-long-key"}


def test_short_secret_is_not_looked_for() -> None:
    """Four letters turn up by chance."""
    assert secrets_in(SCHEMA, {"password": "abcd"}) == {}


def test_every_field_for_a_secret_gets_a_canary_of_its_own() -> None:
    """Also those that the valid configuration leaves out, where there is a place for them."""
    wanted, tries = canaried(SCHEMA, {"password": "x", "tunnel": {"host": "h"}}, random.Random(7))
    assert set(wanted.secrets) == {"password", "tunnel.key"}
    given = json.loads(tries[0].config_json)
    assert given == {"password": wanted.secrets["password"], "tunnel": {"host": "h"}}
    everywhere = json.loads(tries[1].config_json)
    assert everywhere["tunnel"] == {"host": "h", "key": wanted.secrets["tunnel.key"]}
    assert all(wanted.found_in(each.config_json) for each in tries)


def test_schema_without_secrets_has_no_canaries() -> None:
    """There is nothing to be kept secret, and the checks say so."""
    assert canaried({"properties": {"user": {"type": "string"}}}, {"user": "u"}, random.Random(7))[1] == ()
