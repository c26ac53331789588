# ruff: noqa: ARG002 - the signatures are the SDK's
"""WatchCheck: each probe is told of while the check goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import pytest
from towpath.connector.v1 import connector_pb2, connector_pb2_grpc
from towpath_sdk import Config, Denied, Misconfigured, Probe, Source, Stream
from towpath_sdk.status import from_rpc, from_status
from towpath_sdk.testing import connector_under_test


class Patient(Source[Config]):
    """A source whose second probe ends, with a failure, when the test lets it."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def check(self, config: Config) -> Iterator[Probe]:
        """Two probes, and a third that the second makes pointless."""
        yield Probe("network", lambda: None)
        yield Probe("login", self._log_in)
        yield Probe("select", lambda: None)

    def discover(self, config: Config) -> Iterator[Stream]:
        """Nothing to read."""
        yield from ()

    def _log_in(self) -> None:
        assert self.released.wait(30)
        raise Denied("role `app` may not log in; GRANT CONNECT", reason="NO_LOGIN")


def watch(channel: grpc.Channel, config_json: str) -> Iterator[connector_pb2.WatchCheckResponse]:
    """Call WatchCheck."""
    stub = connector_pb2_grpc.ConnectorServiceStub(channel)
    return iter(stub.WatchCheck(connector_pb2.WatchCheckRequest(config_json=config_json), timeout=30))


def test_probe_is_told_of_before_the_next_one_has_ended() -> None:
    """A firewall that swallows packets takes a minute; the person who waits sees what has passed, and what it is at."""
    source = Patient()
    with connector_under_test(source) as connector, grpc.insecure_channel(connector.address) as channel:
        steps = watch(channel, "{}")
        assert next(steps).begun == "network"
        assert next(steps).ended == connector_pb2.CheckResult(probe="network")
        assert next(steps).begun == "login"
        source.released.set()
        (failed,) = steps
        assert (failed.ended.probe, from_status(failed.ended.status).reason) == ("login", "NO_LOGIN")
        whole = connector_pb2_grpc.ConnectorServiceStub(channel).Check(
            connector_pb2.CheckRequest(config_json="{}"), timeout=30
        )
        assert [result.probe for result in whole.results] == ["network", "login"]
        assert whole.results[1] == failed.ended


def test_configuration_that_does_not_match_is_refused_as_by_check() -> None:
    """The form shows the message beside its field, whichever of both it asked."""
    with connector_under_test(Patient()) as connector, grpc.insecure_channel(connector.address) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            next(watch(channel, '{"prot": 1}'))
        error = from_rpc(refused.value)
        assert isinstance(error, Misconfigured)
        assert set(error.fields) == {"prot"}
