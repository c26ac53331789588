"""Spec, check, discover, preview and plan: connectors that run once, while somebody waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from towpath.connector.v1.types_pb2 import StreamName
from towpath.control.v1 import sources_pb2
from towpath.control.v1.connections_pb2 import Connection, ConnectionStream
from towpath.control.v1.sources_pb2_grpc import SourceServiceStub
from towpath_cli.json_values import JsonValue
from towpath_cli.names import resource_name
from towpath_sdk.errors import Conflict, Misconfigured, TowpathError, Unavailable
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


def test_probes_are_seen_one_by_one_while_a_check_goes_on(rig: WorkerRig, fault: Path) -> None:
    """Who waits for a slow probe sees what has passed; a connector that cannot tell is asked for all at once."""
    watched = list(rig.client.sources.watch_check(source_of(fault)))
    assert [[result.probe for result in step.results] for step in watched] == [["manners"]]
    fault.write_text("check_lasts")
    steps = rig.client.sources.watch_check(source_of(fault))
    for step in steps:
        assert [result.probe for result in step.results] == ["manners"]
        if step.running == "patience":
            fault.write_text("")
            break
    *_, last = steps
    assert [result.probe for result in last.results] == ["manners", "patience"]
    assert last.running == ""


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


def test_preview_shows_the_first_rows_as_text_and_cuts_what_is_huge(rig: WorkerRig, worker: RigWorker) -> None:
    """Whoever chooses streams sees what is in them, whatever their rows weigh."""
    config: dict[str, JsonValue] = {"rows": 250, "batch_rows": 7, "width": 5000}
    rig.client.sources.create("looked-into", "numbers", config)
    stream = StreamName(name="numbers0")
    seen = rig.client.sources.preview("looked-into", stream)
    assert [(column.name, column.type) for column in seen.columns] == [
        ("n", "int64"),
        ("stream", "int32"),
        ("text", "string"),
    ]
    assert [row.values[0].text for row in seen.rows] == [str(number) for number in range(20)]
    huge = seen.rows[11].values[2]
    assert (huge.text[:5], len(huge.text), huge.cut_bytes) == ("11-xx", 1024, 5003 - 1024)
    assert not seen.complete
    few = rig.client.sources.preview("looked-into", stream, ["stream", "n"], max_rows=3)
    assert [[value.text for value in row.values] for row in few.rows] == [["0", "0"], ["0", "1"], ["0", "2"]]
    with pytest.raises(Misconfigured, match="no_such_column"):
        rig.client.sources.preview("looked-into", stream, ["no_such_column"])
    rig.client.sources.update("looked-into", {"rows": 0})
    empty = rig.client.sources.preview("looked-into", stream)
    assert (len(empty.columns), len(empty.rows), empty.complete) == (3, 0, True)
    rig.client.sources.update("looked-into", {"rows": 50, "batch_rows": 2, "seconds_per_batch": 4})
    slow = rig.client.sources.preview("looked-into", stream)
    assert [row.values[0].text for row in slow.rows] == ["0", "1"]
    assert not slow.complete
    until(lambda: not worker.connectors(), "no connector is left")


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        ("is_denied", "DENIED"),
        ("malformed_batch", "PROTOCOL_VIOLATION"),
        ("silent_end", "PROTOCOL_VIOLATION"),
        ("exits_in_the_middle", "CONNECTOR_DIED"),
    ],
)
def test_preview_that_fails_says_why(rig: WorkerRig, fault: Path, stream: str, reason: str) -> None:
    """Half of the rows without a word would look like all of them."""
    with pytest.raises(TowpathError) as failed:
        rig.client.sources.preview(source_of(fault), StreamName(name=stream))
    assert failed.value.reason == reason


def test_plan_says_where_rows_would_be_and_what_becomes_of_columns(
    rig: WorkerRig, worker: RigWorker, tmp_path: Path
) -> None:
    """Asked before there is a connection, of a real destination, which changes nothing for it."""
    rig.client.sources.create("planned", "numbers", {"streams": 2})
    config: dict[str, JsonValue] = {"folder": str(tmp_path / "lake"), "impossible": "n", "lossy": "text"}
    rig.client.destinations.create("planned", "folder", config)
    draft = Connection(
        source="sources/planned",
        destination="destinations/planned",
        streams=[
            ConnectionStream(name=StreamName(name="numbers0"), columns=["text", "stream"]),
            ConnectionStream(name=StreamName(name="numbers1")),
        ],
    )
    plans = rig.client.connections.plan(draft)
    lake = tmp_path / "lake"
    assert [plan.location for plan in plans] == [
        f"{lake}/numbers0/….jsonl",
        f"{lake}/numbers1/….jsonl",
    ]
    columns = [[(column.stream, column.column, column.fit) for column in plan.columns] for plan in plans]
    assert columns == [[(0, "text", 2)], [(1, "n", 4), (1, "text", 2)]]
    assert not lake.exists()
    rig.client.destinations.update("planned", {**config, "refuses": "numbers0"})
    refused, fine = rig.client.connections.plan(draft)
    assert "numbers0 is not welcome" in refused.failure.message
    assert (refused.location, fine.HasField("failure")) == ("", False)


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
