"""Spec, check and discover: connectors that run once, while somebody waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from towpath.control.v1 import sources_pb2
from towpath.control.v1.sources_pb2_grpc import SourceServiceStub
from towpath_cli.names import resource_name
from towpath_sdk.errors import Conflict, TowpathError, Unavailable
from worker_rig import RigWorker, WorkerRig, until


@pytest.fixture
def fault(rig: WorkerRig, worker: RigWorker, tmp_path: Path) -> Path:
    """The file that tells the source `manners` how to be rude; it is registered and behaves until then."""
    file = tmp_path / "fault"
    file.write_text("")
    name = f"manners-{tmp_path.name[-20:].replace('_', '-')}"
    rig.register(name, "rude_source.py", str(file))
    rig.client.sources.create(name, name, {})
    (tmp_path / "name").write_text(name)
    return file


def source_of(fault: Path) -> str:
    return (fault.parent / "name").read_text()


def test_spec_is_learnt_when_a_connector_is_registered(rig: WorkerRig, worker: RigWorker) -> None:
    """The server itself never starts a connector: only workers need what it needs."""
    connector = rig.client.connectors.get("numbers")
    assert '"seconds_per_batch"' in connector.spec.config_json_schema
    assert connector.spec.source.deterministic_replay
    assert list(rig.client.connectors.get("folder").spec.destination.write_modes) == [1, 2]


def test_connector_that_is_not_installed_is_named(rig: WorkerRig, worker: RigWorker) -> None:
    """The most common mistake of all deserves the clearest answer."""
    with pytest.raises(Conflict) as refused:
        rig.client.connectors.create("absent", ["no-such-program", "--fast"])
    assert refused.value.reason == "CONNECTOR_NOT_FOUND"
    assert "cannot be used: connectors/absent: there is no program `no-such-program` on" in refused.value.message


def test_program_that_is_no_connector_is_refused_with_its_last_words(rig: WorkerRig, worker: RigWorker) -> None:
    """A wrong path, a missing library: the person who registers it can read why."""
    with pytest.raises(Conflict) as refused:
        rig.client.connectors.create("shell", ["sh", "-c", "echo what is a gRPC; exit 9"])
    assert "cannot be used: connectors/shell ended with exit code 9 before it was ready" in refused.value.message
    assert "what is a gRPC" in refused.value.message


def test_check_reports_each_probe(rig: WorkerRig, fault: Path) -> None:
    """A button in the web client: an answer within seconds."""
    assert [result.probe for result in rig.client.sources.check(source_of(fault))] == ["manners"]


def test_discover_returns_every_page(rig: WorkerRig, fault: Path) -> None:
    """A catalogue is longer than a message may be."""
    streams = list(rig.client.sources.discover(source_of(fault)))
    assert len(streams) > 20
    assert "polite" in {found.name.name for found in streams}


def test_discover_that_dies_is_reported_with_its_last_words(rig: WorkerRig, fault: Path) -> None:
    """Half a catalogue would look like dropped tables."""
    fault.write_text("discover_dies")
    with pytest.raises(Unavailable) as failed:
        list(rig.client.sources.discover(source_of(fault)))
    assert failed.value.reason == "CONNECTOR_DIED"
    assert "its last lines:\nI cannot go on" in failed.value.message


def test_check_that_hangs_ends_with_its_caller(rig: WorkerRig, worker: RigWorker, fault: Path) -> None:
    """Nobody waits for it any more, so its process must not either."""
    fault.write_text("check_hangs")
    stub = SourceServiceStub(rig.client.wire.channel)
    request = sources_pb2.CheckSourceRequest(name=resource_name("sources", source_of(fault)))
    with pytest.raises(TowpathError) as failed:
        rig.client.wire.call(stub.CheckSource, request, 4)
    assert isinstance(failed.value, Unavailable)
    assert "did not answer within" in failed.value.message
    until(lambda: not worker.connectors(), "the connector is gone")
    until(lambda: not worker.folders(), "its folder is gone")
