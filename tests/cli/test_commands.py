"""Every command against a real server: what a person reads, and the proto's own JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
import yaml
from cli_prompt import Prompt
from cli_scene import Scene, program
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from slow_link import slow_link
from towpath.connector.v1.connector_pb2 import CheckResponse, DiscoverResponse
from towpath.control.v1.connections_pb2 import (
    Connection,
    ListConnectionsResponse,
    ListStreamStatesResponse,
    PlanConnectionResponse,
)
from towpath.control.v1.connectors_pb2 import Connector, ListConnectorsResponse
from towpath.control.v1.destinations_pb2 import Destination, ListDestinationsResponse
from towpath.control.v1.jobs_pb2 import Job, ListJobsResponse, LogLine
from towpath.control.v1.previews_pb2 import StreamPreview
from towpath.control.v1.sources_pb2 import ListSourcesResponse, Source

_LOOKS: Sequence[tuple[str, type[Message], Sequence[str]]] = [
    ("connectors list", ListConnectorsResponse, ["NAME", "ROLES", "numbers", "source-postgres", "destination"]),
    ("connectors get numbers", Connector, ["connectors/numbers", "seconds_per_batch", "secret", "numbers_source.py"]),
    ("sources list", ListSourcesResponse, ["NAME", "CONNECTOR", "counted", "numbers"]),
    ("sources get counted", Source, ["sources/counted", '"rows": 300', "********"]),
    ("sources check counted", CheckResponse, ["RESULT", "ok"]),
    ("sources discover counted", DiscoverResponse, ["STREAM", "numbers0", "numbers1", "snapshot, incremental", "300"]),
    ("sources preview counted numbers0 --rows 3", StreamPreview, ["n", "stream", "text", "2", "the first 3 rows"]),
    ("destinations list", ListDestinationsResponse, ["NAME", "counted", "folder"]),
    ("destinations get counted", Destination, ["destinations/counted", "connectors/folder"]),
    ("destinations check counted", CheckResponse, ["RESULT", "ok"]),
    ("connections list", ListConnectionsResponse, ["SCHEDULE", "counted", "manual", "succeeded"]),
    ("connections get counted", Connection, ["connections/counted", "numbers1", "snapshot", "overwrite"]),
    ("connections preview counted", PlanConnectionResponse, ["LOCATION", "numbers1/….jsonl", "stored as it is"]),
    ("connections state counted", ListStreamStatesResponse, ["GENERATION", "numbers0"]),
    ("jobs list --connection counted", ListJobsResponse, ["STATE", "counted", "sync", "succeeded", "600"]),
]


@pytest.mark.parametrize(("line", "message", "words"), _LOOKS, ids=[line for line, _, _ in _LOOKS])
def test_each_look_is_a_table_for_people_and_the_protos_json_for_programs(
    towpath: Prompt, counted: str, line: str, message: type[Message], words: Sequence[str]
) -> None:
    """A script may rely on the messages of the proto, unknown fields and all other text on standard output excluded."""
    table = towpath.ok(*line.split())
    assert [word for word in words if word not in table.out] == []
    answer = towpath.ok(*line.split(), "--output", "json").json
    assert ParseDict(answer, message()).ByteSize() > 0
    assert yaml.safe_load(towpath.ok("--output", "yaml", *line.split()).out).keys() == answer.keys()


def test_a_job_is_shown_with_its_attempts_and_streams(towpath: Prompt, scene: Scene, counted: str) -> None:
    """Which stream moved how much, in which attempt, is what one looks for after a night."""
    job = scene.latest_job(counted)
    table = towpath.ok("jobs", "get", job).out
    assert [word for word in ("ATTEMPT", "GENERATION", "numbers1", "300", "succeeded") if word not in table] == []
    shown = ParseDict(towpath.ok("jobs", "get", job, "-o", "json").json, Job())
    assert [stream.progress.rows_committed for stream in shown.streams] == [300, 300]
    assert shown == scene.job(job)


def test_a_log_names_its_speakers_and_no_secret(towpath: Prompt, scene: Scene, counted: str) -> None:
    """The source of `counted` logs its password on purpose; the log must not have it in any format."""
    job = scene.latest_job(counted)
    text = towpath.ok("logs", job).out
    assert "source" in text
    assert "counting" in text
    lines = [json.loads(line) for line in towpath.ok("logs", job, "--output", "json").out.splitlines()]
    assert [ParseDict(line, LogLine()).seq for line in lines] == sorted(int(line["seq"]) for line in lines)
    assert "hunter2" not in text + json.dumps(lines)
    later = towpath.ok("logs", job, "--after", lines[0]["seq"], "-o", "json").out.splitlines()
    assert [json.loads(line) for line in later] == lines[1:]
    assert towpath.ok("logs", job, "--level", "error").out == ""


def test_the_life_of_a_connector(towpath: Prompt, scene: Scene) -> None:
    """What is registered is what the worker learned from the program, and a connector in use cannot be forgotten."""
    command = program("numbers_source.py")
    assert "connectors/passing" in towpath.ok("connectors", "create", "passing", "--", *command).out
    towpath.ok("connectors", "create", "passing", "--", *command)
    assert "already exists" in towpath.fails(6, "connectors", "create", "passing", "--", *command, "--other")
    assert "Version" in towpath.ok("connectors", "update", "passing").out
    towpath.ok("sources", "create", "passing", "--connector", "passing")
    assert "sources/passing" in towpath.fails(6, "connectors", "delete", "passing")
    towpath.ok("sources", "delete", "passing")
    assert towpath.ok("connectors", "delete", "passing").err == "deleted connector passing\n"
    towpath.fails(5, "connectors", "get", "passing")
    assert "there is no program `/no/such/program`" in towpath.fails(
        6, "connectors", "create", "passing", "--", "/no/such/program"
    )


def test_the_life_of_a_source(towpath: Prompt, scene: Scene) -> None:
    """Values get the type that the schema wants; what an update does not mention stays, the secret included."""
    created = towpath.ok(
        "sources", "create", "lively", "--connector", "numbers", "-c", "rows=7", "-c", "seconds_per_batch=0.5",
        "-c", "password=${PASSWORD}", "-o", "json", environ={"PASSWORD": "tops3cret"},
    ).json  # fmt: skip
    assert json.loads(created["configJson"]) == {"rows": 7, "seconds_per_batch": 0.5, "password": "********"}
    updated = towpath.ok("sources", "update", "lively", "-c", "rows=8", "-o", "json").json
    assert json.loads(updated["configJson"]) == {"rows": 8, "seconds_per_batch": 0.5, "password": "********"}
    whole = towpath.ok("sources", "update", "lively", "-f", "-", "-o", "json", stdin="rows: 9\n").json
    assert json.loads(whole["configJson"]) == {"rows": 9}
    assert "nothing to change" in towpath.fails(2, "sources", "update", "lively")
    towpath.ok("sources", "delete", "lively")
    towpath.fails(5, "sources", "delete", "lively")


def test_the_life_of_a_destination(towpath: Prompt, scene: Scene) -> None:
    """The same for the other end."""
    folder = str(scene.folder("lasting"))
    created = towpath.ok("destinations", "create", "lasting", "--connector", "folder", "-c", f"folder={folder}")
    assert folder in created.out
    assert "die_in_complete" in towpath.ok("destinations", "update", "lasting", "-c", "die_in_complete=true").out
    other = "{kind: destination, name: lasting, connector: destination-s3, config: {bucket: b}}"
    assert "uses connectors/folder, which cannot be changed" in towpath.fails(6, "apply", "-f", "-", stdin=other)
    assert towpath.ok("destinations", "delete", "lasting").err == "deleted destination lasting\n"


def test_the_life_of_a_connection(towpath: Prompt, scene: Scene) -> None:
    """Schedule, settings and streams can be changed one by one; deleting asks first."""
    scene.connect("living", streams=2, rows=10)
    create = ["connections", "create", "living-two", "--source", "living", "--destination", "living"]
    created = towpath.ok(*create, "--every", "1h30m", "--stream", "numbers0,read=incremental,cursor=n").out
    assert "every 1h30m" in created
    assert "incremental" in created
    update = ["connections", "update", "living-two"]
    calendar = ["--cron", "0 3 * * *", "--time-zone", "Europe/Amsterdam"]
    updated = towpath.ok(*update, *calendar, "--commit-bytes", "2MiB").out
    assert "cron `0 3 * * *` Europe/Amsterdam" in updated
    assert "2.0 MiB" in updated
    assert "incremental" in updated
    assert "(paused)" in towpath.ok("connections", "pause", "living-two").out
    assert "(paused)" not in towpath.ok("connections", "resume", "living-two").out
    assert "manual" in towpath.ok(*update, "--manual").out
    assert "nothing to change" in towpath.fails(2, *update)
    assert towpath("connections", "delete", "living-two", stdin="n\n").code == 130
    assert towpath.ok("connections", "get", "living-two").code == 0
    assert "delivered data stay" in towpath.ok("connections", "delete", "living-two", stdin="y\n").err


def test_a_connection_without_streams_selects_all(towpath: Prompt, scene: Scene) -> None:
    """The shortest command moves everything that there is."""
    scene.connect("everything", streams=3, rows=10)
    create = ["connections", "create", "all-of-it", "--source", "everything", "--destination", "everything"]
    created = towpath.ok(*create, "-o", "json").json
    assert [stream["name"]["name"] for stream in created["streams"]] == ["numbers0", "numbers1", "numbers2"]


def test_refresh_state_and_clear(towpath: Prompt, scene: Scene) -> None:
    """A refresh delivers everything; clearing removes all of it, and asks first."""
    scene.connect("fresh", rows=20)
    towpath.ok("connections", "refresh", "fresh", "--follow")
    assert scene.rows("fresh") == 20
    assert "choose out of: numbers0" in towpath.fails(5, "connections", "refresh", "fresh", "--stream", "nombers0")
    reset = towpath.ok("connections", "state", "fresh", "--reset", "numbers0")
    assert "dropped the state of numbers0 in fresh" in reset.err
    none = towpath.ok("connections", "schema-changes", "fresh")
    assert "no schema has changed yet" in none.out + none.err
    no_position = towpath.fails(3, "connections", "state", "fresh", "--set", "numbers0", "--yes", stdin="elsewhere")
    assert "numbers0 has no position" in no_position
    assert towpath("connections", "clear", "fresh", stdin="n\n").code == 130
    assert scene.rows("fresh") == 20
    towpath.ok("connections", "clear", "fresh", "--yes", "--follow")
    assert scene.rows("fresh") == 0


def test_version_tells_what_is_installed_and_whether_the_server_answers(towpath: Prompt) -> None:
    """The first thing to ask for in a report."""
    assert f"{towpath.stack.address} (serving)" in towpath.ok("version").out
    told = towpath.ok("version", "-o", "json", "--server", "127.0.0.1:1").json
    assert told["serverState"] == "not reachable"
    assert {"towpath-cli", "towpath-server", "towpath-worker"} <= told["packages"].keys()


def test_server_that_is_far_away_is_reached(towpath: Prompt) -> None:
    """A connection takes some turns, and over an ocean, or to a busy server, each takes its time."""
    with slow_link(towpath.stack.address, 0.2) as address:
        assert "source-postgres" in towpath.ok("--server", address, "connectors", "list").out
