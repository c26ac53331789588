"""Wrong settings, found out by a check before anything moves: kind, reason, next step, and exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from end_to_end_pipe import Pipe, new_name
from stack import Finished, postgres_config, s3_config
from towpath_local.embedded.ports import free_port
from towpath_sdk.errors import KINDS, Kind


@dataclass(frozen=True)
class Wrong:
    """A setting that is wrong, and what has to be said of it: which probe fails, its kind and reason, the next step."""

    probe: str
    kind: Kind
    reason: str
    words: str
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])


SOURCES = {
    "wrong password": Wrong(
        "authentication", Kind.DENIED, "INVALID_PASSWORD", "check user and password", {"password": "not-the-password"}
    ),
    "unknown host": Wrong(
        "network", Kind.MISCONFIGURED, "UNKNOWN_HOST", "cannot be resolved; check its name", {"host": "a..b"}
    ),
    "wrong port": Wrong(
        "network", Kind.UNAVAILABLE, "CONNECTION_REFUSED", "check host and port", {"port": free_port()}
    ),
    "unknown database": Wrong(
        "database", Kind.MISCONFIGURED, "NO_SUCH_DATABASE", "check the name of the database", {"database": "nowhere"}
    ),
    "role without SELECT": Wrong(
        "permissions.select",
        Kind.DENIED,
        "MISSING_PRIVILEGE",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO powerless",
        {"user": "powerless", "password": "not-much"},
    ),
}
DESTINATIONS = {
    "missing bucket": Wrong(
        "bucket",
        Kind.MISCONFIGURED,
        "NO_SUCH_BUCKET",
        "create the bucket, or check its name",
        {"bucket": "no-such-one"},
    ),
    "wrong secret": Wrong(
        "bucket",
        Kind.DENIED,
        "SIGNATURE_DOES_NOT_MATCH",
        "the secret does not belong to the access key",
        {"secret_access_key": "not-the-secret"},
    ),
    "read-only identity": Wrong("write", Kind.DENIED, "ACCESS_DENIED", "check the credentials and the policies"),
    "nobody at the endpoint": Wrong(
        "bucket",
        Kind.UNAVAILABLE,
        "ENDPOINT_UNREACHABLE",
        "check endpoint and region, and that the store runs",
        {"endpoint": f"http://127.0.0.1:{free_port()}"},
    ),
}


@pytest.fixture(scope="module")
def secured(shared_pipe: Pipe) -> Pipe:
    """A pipe with a table, and a role that may log in and do nothing."""
    shared_pipe.sql("DROP ROLE IF EXISTS powerless; CREATE ROLE powerless LOGIN PASSWORD 'not-much'")
    shared_pipe.sql("CREATE TABLE orders (id int PRIMARY KEY)")
    return shared_pipe


def check(pipe: Pipe, collection: str, connector: str, config: Mapping[str, Any]) -> Finished:
    """Create a source or destination, and check it by the command line."""
    name = new_name()
    with pipe.stack.client() as client:
        kinds = {"sources": client.sources, "destinations": client.destinations}
        kinds[collection].create(name, connector, dict(config))
    return pipe.stack.cli(collection, "check", name, "--output", "json")


def assert_said(checked: Finished, wrong: Wrong) -> None:
    failed = [result for result in checked.json["results"] if result.get("status", {}).get("code")]
    assert checked.code == KINDS[wrong.kind].exit_code
    status = failed[0]["status"]
    (reason,) = [detail["reason"] for detail in status["details"] if "reason" in detail]
    assert (failed[0]["probe"], reason) == (wrong.probe, wrong.reason)
    assert wrong.words in status["message"]
    secrets = [value for name, value in wrong.config.items() if name in {"password", "secret_access_key"}]
    assert not any(secret in checked.out for secret in secrets)


@pytest.mark.parametrize("case", SOURCES)
def test_check_of_a_source_says_what_is_wrong_and_what_to_do(secured: Pipe, case: str) -> None:
    """It is the first command that a new user runs, and most first configurations are wrong."""
    wrong = SOURCES[case]
    config = {**postgres_config(secured.database), **wrong.config}
    assert_said(check(secured, "sources", "source-postgres", config), wrong)


@pytest.mark.parametrize("case", DESTINATIONS)
def test_check_of_a_destination_says_what_is_wrong_and_what_to_do(secured: Pipe, case: str) -> None:
    """Found out now, it costs a minute; found out by the first run, it costs a night."""
    wrong, config = DESTINATIONS[case], dict(DESTINATIONS[case].config)
    if case == "read-only identity":
        config["access_key_id"], config["secret_access_key"] = secured.s3.reader_keys
    checked = check(secured, "destinations", "destination-s3", {**s3_config(secured.s3, secured.bucket), **config})
    assert_said(checked, wrong)
    assert secured.all_keys() == []


def test_everything_right_passes_and_leaves_nothing(secured: Pipe) -> None:
    """A check that fails always, or leaves its probe behind, would pass the tests above, too."""
    source = check(secured, "sources", "source-postgres", postgres_config(secured.database))
    destination = check(secured, "destinations", "destination-s3", s3_config(secured.s3, secured.bucket))
    for checked in (source, destination):
        assert checked.code == 0, checked.err
        assert checked.json["results"]
        assert not any(result.get("status", {}).get("code") for result in checked.json["results"])
    assert secured.all_keys() == []
