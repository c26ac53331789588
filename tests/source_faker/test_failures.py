"""What goes wrong, on demand: the remote system, a stream of many, and one that never says anything again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from towpath_sdk import Denied, Misconfigured, ReadMode, ReadStream, StreamName, Throttled, TowpathError, Unavailable
from towpath_sdk.errors import Kind
from towpath_sdk.testing import ConnectorUnderTest

CONFIG: dict[str, Any] = {"seed": 1, "rows": 30, "checkpoint_rows": 10}


@pytest.mark.parametrize(
    ("more", "failure", "probes"),
    [
        ({"failures": {"remote": "unreachable"}}, Unavailable, ["network"]),
        ({"failures": {"remote": "throttled"}}, Throttled, ["network"]),
        ({"failures": {"remote": "denied"}}, Denied, ["network", "authentication"]),
        ({"api_key": "revoked-key"}, Denied, ["network", "authentication"]),
    ],
)
def test_remote_system_that_refuses_refuses_every_call(
    faker: ConnectorUnderTest, more: dict[str, Any], failure: type[TowpathError], probes: Sequence[str]
) -> None:
    """The check says first what a read would stumble over."""
    config = {**CONFIG, **more}
    results = faker.check(config)
    assert [result.probe for result in results] == probes
    assert isinstance(results[-1].failure, failure)
    with pytest.raises(failure):
        faker.discover(config)
    with pytest.raises(failure):
        faker.plan(config, "orders")
    with pytest.raises(failure):
        faker.read(config, "orders")


def test_any_other_key_is_right_and_never_shown(faker: ConnectorUnderTest) -> None:
    """There is no account to be had."""
    config = {**CONFIG, "api_key": "anything-goes"}
    assert [result.failure for result in faker.check(config)] == [None, None]
    assert faker.read(config, "orders").num_rows == 30
    assert faker.config_schema()["properties"]["api_key"]["x-towpath-secret"] is True


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.CONFLICT, Kind.FENCED, Kind.CANCELLED)])
def test_stream_fails_where_and_how_it_was_told_to(faker: ConnectorUnderTest, kind: Kind) -> None:
    """Rows before the point are covered by a checkpoint and safe; the others of the call are not touched."""
    failures = {"streams": {"orders": {"kind": kind.name.lower(), "after_rows": 25}}}
    session = faker.open_read(
        {**CONFIG, "failures": failures},
        *(ReadStream(StreamName("", name), ReadMode.SNAPSHOT) for name in ("customers", "orders", "events")),
    )
    for response in session:
        if response.HasField("checkpoint"):
            session.ack(response.checkpoint.checkpoint_seq)
    customers, orders, events = session.results
    assert customers.complete
    assert events.complete
    assert orders.failure is not None
    assert (orders.failure.kind, orders.failure.reason) == (kind, "ON_DEMAND")
    assert sum(checkpoint.rows for checkpoint in orders.checkpoints) == 20


def test_stream_that_blocks_says_all_before_and_ends_when_it_is_cancelled(faker: ConnectorUnderTest) -> None:
    """A remote system that hangs must not keep a job from being cancelled."""
    failures = {"streams": {"orders": {"kind": "blocks", "after_rows": 25}}}
    session = faker.open_read({**CONFIG, "failures": failures}, ReadStream(StreamName("", "orders"), ReadMode.SNAPSHOT))
    (result,) = session.results
    while sum(checkpoint.rows for checkpoint in result.checkpoints) < 25:
        assert session.receive() is not None
    began = time.monotonic()
    session.cancel()
    assert time.monotonic() - began < 5


def test_latency_is_waited_for_before_each_batch(faker: ConnectorUnderTest) -> None:
    """A slow remote system, to see what a platform does with it."""
    began = time.monotonic()
    assert faker.read({**CONFIG, "batch_rows": 10, "latency_seconds": 0.1}, "orders").num_rows == 30
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seed": None}, "seed"),
        ({"seed": -1}, "seed"),
        ({"rows": -1}, "rows"),
        ({"row_bytes": 1 << 30}, "row_bytes"),
        ({"ledger": "here"}, "ledger"),
        ({"changes": {"clock": "here"}}, "changes.clock"),
        ({"changes": {"day": 1000}}, "changes.day"),
        ({"failures": {"remote": "moody"}}, "failures.remote"),
        ({"failures": {"streams": {"orders": {"kind": "sulks"}}}}, "failures.streams.orders.kind"),
        ({"emit": "cables"}, "emit"),
        ({"rosw": 1}, "rosw"),
    ],
)
def test_configuration_that_is_wrong_names_the_field(
    faker: ConnectorUnderTest, change: dict[str, Any], field: str
) -> None:
    """A form shows the message beside it."""
    with pytest.raises(Misconfigured) as refused:
        faker.check({**CONFIG, **change})
    assert list(refused.value.fields) == [field]
