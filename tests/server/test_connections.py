"""Connections: what may be selected, when it may run, and what a change resets."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from server_bench import Api, Bench
from server_ends import with_ends
from server_steps import connect, create_ends, incremental, refusal, refused, run_to_end, states, stream, sync
from stand_in_worker import descriptor
from towpath.connector.v1 import types_pb2
from towpath.control.v1 import connections_pb2, failures_pb2

SNAPSHOT_OVERWRITE = (types_pb2.READ_MODE_SNAPSHOT, types_pb2.WRITE_MODE_OVERWRITE)
INCREMENTAL_APPEND = (types_pb2.READ_MODE_INCREMENTAL, types_pb2.WRITE_MODE_APPEND)


def update(connection: connections_pb2.Connection, *paths: str) -> connections_pb2.UpdateConnectionRequest:
    request = connections_pb2.UpdateConnectionRequest(connection=connection)
    request.update_mask.paths.extend(paths)
    return request


@with_ends
async def test_without_streams_every_stream_is_selected_with_its_defaults(api: Api) -> None:
    """The shortest way to a first sync."""
    connection = await connect(api)
    modes = {selected.name.name: (selected.read_mode, selected.write_mode) for selected in connection.streams}
    assert modes == {
        "orders": SNAPSHOT_OVERWRITE,
        "customers": SNAPSHOT_OVERWRITE,
        "events": INCREMENTAL_APPEND,
    }


@with_ends
async def test_defaults_are_filled_in(api: Api) -> None:
    """What a job will do can be read off the connection."""
    connection = await connect(api, stream("orders", "READ_MODE_UNSPECIFIED"), incremental("customers"))
    assert [(item.read_mode, item.write_mode) for item in connection.streams] == [
        SNAPSHOT_OVERWRITE,
        INCREMENTAL_APPEND,
    ]
    settings = connection.settings
    assert (settings.max_parallel_streams, settings.commit_bytes, settings.commit_interval.seconds) == (4, 2**28, 60)
    assert settings.max_attempts == 5
    assert connection.schema_change_policy == connections_pb2.Connection.SCHEMA_CHANGE_POLICY_PROPAGATE
    assert not connection.HasField("last_job")


@with_ends
@pytest.mark.parametrize(
    ("selection", "field", "words"),
    [
        (stream("order"), "connection.streams[0].name", "public.orders"),
        (stream("orders", columns=["id", "nme"]), "connection.streams[0].columns[1]", "updated_at"),
        (stream("orders", columns=["id", "id"]), "connection.streams[0].columns[1]", "twice"),
        (stream("orders", columns=[""]), "connection.streams[0].columns[0]", "empty"),
        (stream("orders", "READ_MODE_INCREMENTAL"), "connection.streams[0].cursor_column", "updated_at"),
        (
            stream("orders", "READ_MODE_INCREMENTAL", cursor_column="id"),
            "connection.streams[0].cursor_column",
            "updated_at",
        ),
        (
            stream("events", "READ_MODE_INCREMENTAL", cursor_column="id"),
            "connection.streams[0].cursor_column",
            "itself",
        ),
        (stream("orders", cursor_column="updated_at"), "connection.streams[0].cursor_column", "INCREMENTAL"),
        (stream("orders", "READ_MODE_CHANGES"), "connection.streams[0].read_mode", "SNAPSHOT, INCREMENTAL"),
        (
            stream("orders", "READ_MODE_INCREMENTAL", "WRITE_MODE_OVERWRITE", cursor_column="updated_at"),
            "connection.streams[0].write_mode",
            "APPEND",
        ),
        (stream("orders", primary_key=["nope"]), "connection.streams[0].primary_key[0]", "id"),
        (stream(""), "connection.streams[0].name.name", "required"),
    ],
)
async def test_selection_that_cannot_work_names_field_and_choices(
    api: Api, selection: connections_pb2.ConnectionStream, field: str, words: str
) -> None:
    """The user mends it without reading documentation."""
    denied = await refusal(connect(api, selection))
    assert denied.code == grpc.StatusCode.INVALID_ARGUMENT
    assert list(denied.fields) == [field]
    assert words in denied.fields[field]


@with_ends
async def test_stream_selected_twice_is_refused(api: Api) -> None:
    """Its rows would arrive twice."""
    denied = await refusal(connect(api, stream("orders"), stream("orders")))
    assert list(denied.fields) == ["connection.streams[1].name"]


async def test_write_mode_that_the_destination_lacks_is_refused(api: Api, bench: Bench) -> None:
    """Not after an hour of reading."""
    bench.connectors.write_modes = ["WRITE_MODE_APPEND"]
    await create_ends(api)
    denied = await refusal(connect(api, stream("orders")))
    assert "APPEND" in denied.fields["connection.streams[0].write_mode"]
    assert {item.write_mode for item in (await connect(api)).streams} == {types_pb2.WRITE_MODE_APPEND}


async def test_dedup_without_the_columns_of_the_key_is_refused(api: Api, bench: Bench) -> None:
    """Also when the key is the source's own: without its columns the first run would fail, after hours of snapshot."""
    bench.connectors.write_modes = ["WRITE_MODE_DEDUP"]
    await create_ends(api)
    modes = ("READ_MODE_INCREMENTAL", "WRITE_MODE_DEDUP")
    denied = await refusal(connect(api, stream("orders", *modes, cursor_column="updated_at", columns=["updated_at"])))
    assert denied.fields == {"connection.streams[0].columns": "DEDUP needs the key columns too: id"}
    await connect(api, stream("orders", *modes, cursor_column="updated_at", columns=["id", "updated_at"]))


async def test_catalog_is_kept_and_asked_for_again_only_when_it_does_not_match(api: Api, bench: Bench) -> None:
    """A stream that was created a minute ago must be selectable; an hour of discoveries must not be the price."""
    await create_ends(api)
    await connect(api, stream("orders"), identifier="one")
    await connect(api, stream("customers"), identifier="two")
    assert bench.connectors.discoveries == 1
    bench.connectors.streams.append(descriptor("brand_new"))
    await connect(api, stream("brand_new"), identifier="three")
    assert bench.connectors.discoveries == 2


@with_ends
@pytest.mark.parametrize(
    ("schedule", "field", "words"),
    [
        ({"cron": {"expression": "61 * * * *"}}, "cron.expression", "61 is not from 0 to 59"),
        ({"cron": {"expression": "* * *"}}, "cron.expression", "five fields"),
        ({"cron": {"expression": "0 0 31 2 *"}}, "cron.expression", "never start"),
        ({"cron": {"expression": "0 0 * * MOO"}}, "cron.expression", "sun, mon"),
        ({"cron": {"expression": "*/0 * * * *"}}, "cron.expression", "step"),
        ({"cron": {"expression": "5-1 * * * *"}}, "cron.expression", "backwards"),
        ({"cron": {"expression": "@sometimes"}}, "cron.expression", "@daily"),
        ({"cron": {"expression": ""}}, "cron.expression", "five fields"),
        ({"cron": {"expression": "@daily", "time_zone": "Europe/Amsterdm"}}, "cron.time_zone", "Europe/Amsterdam"),
        ({"cron": {"expression": "@daily", "time_zone": "../../etc/passwd"}}, "cron.time_zone", "IANA"),
        ({"interval": Duration(seconds=9)}, "interval", "10 s"),
        ({"interval": Duration(seconds=-5)}, "interval", "10 s"),
    ],
)
async def test_schedule_that_cannot_work_is_refused_at_its_field(
    api: Api, schedule: dict[str, Any], field: str, words: str
) -> None:
    """Before anything is stored: a connection that silently never runs is the worst outcome."""
    denied = await refusal(connect(api, schedule=connections_pb2.Schedule(**schedule)))
    assert (denied.code, denied.error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_SCHEDULE")
    assert words in denied.fields[f"connection.schedule.{field}"]
    with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
        await api.connections.GetConnection(connections_pb2.GetConnectionRequest(name="connections/daily"))


@with_ends
async def test_update_changes_what_the_mask_names_and_nothing_else(api: Api) -> None:
    """A client that knows one field must not have to send the others."""
    before = await connect(api, stream("orders"), incremental("customers"))
    wanted = connections_pb2.Connection(
        name=before.name, settings={"max_parallel_streams": 9}, schema_change_policy="SCHEMA_CHANGE_POLICY_FAIL"
    )
    after = (await api.connections.UpdateConnection(update(wanted, "settings"))).connection
    assert after.settings.max_parallel_streams == 9
    assert after.schema_change_policy == before.schema_change_policy
    assert list(after.streams) == list(before.streams)
    assert after.etag != before.etag
    before.settings.max_parallel_streams = 1
    with refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
        await api.connections.UpdateConnection(update(before))
    for path in ("paused", "source.config", "nonsense"):
        wanted = connections_pb2.Connection(name=before.name, source="sources/other")
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "IMMUTABLE" if path[0] == "s" else "INVALID_UPDATE_MASK"):
            await api.connections.UpdateConnection(update(wanted, path))


@with_ends
async def test_state_of_a_stream_that_is_read_otherwise_from_now_on_is_reset(api: Api) -> None:
    """A state of the old cursor would make the new one skip rows."""
    connection = await connect(api, incremental("orders"), incremental("customers"))
    await run_to_end(api, (await sync(api)).name)
    before = await states(api)
    assert before["orders"].state == b"state 0.1"
    connection.streams[0].CopyFrom(stream("orders", "READ_MODE_SNAPSHOT", "WRITE_MODE_APPEND"))
    connection.etag = ""
    await api.connections.UpdateConnection(update(connection, "streams"))
    after = await states(api)
    assert (after["orders"].state, after["orders"].generation_id) == (b"", before["orders"].generation_id + 1)
    assert after["customers"] == before["customers"]


@with_ends
async def test_connection_with_an_active_job_is_not_deleted(api: Api) -> None:
    """Its worker would have nowhere to store what it delivered."""
    connection = await connect(api, stream("orders"))
    job = await sync(api)
    request = connections_pb2.DeleteConnectionRequest(name=connection.name)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "JOB_ACTIVE"):
        await api.connections.DeleteConnection(request)
    await run_to_end(api, job.name)
    await api.connections.DeleteConnection(request)
    with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
        await sync(api)


@with_ends
async def test_list_shows_the_latest_job_and_request_ids_hold(api: Api) -> None:
    """The overview page needs one call."""
    for identifier in ("b", "a"):
        await connect(api, stream("orders"), identifier=identifier)
    job = await sync(api, "connections/b")
    page = await api.connections.ListConnections(connections_pb2.ListConnectionsRequest())
    assert [(item.name, item.last_job.name) for item in page.connections] == [
        ("connections/a", ""),
        ("connections/b", job.name),
    ]
    request = connections_pb2.CreateConnectionRequest(
        connection_id="c",
        connection={"source": "sources/shop", "destination": "destinations/lake", "streams": [stream("orders")]},
        request_id="once",
    )
    first = await api.connections.CreateConnection(request)
    assert await api.connections.CreateConnection(request) == first


async def test_selection_is_kept_while_the_source_cannot_be_asked(api: Api, bench: Bench) -> None:
    """`apply` of a whole pipeline must not depend on the order in which systems start."""
    await create_ends(api)
    bench.connectors.failure = failures_pb2.Failure(kind="KIND_UNAVAILABLE", reason="CONNECTION_FAILED")
    connection = await connect(api, stream("not_there_yet"))
    assert [selected.name.name for selected in connection.streams] == ["not_there_yet"]
    bench.connectors.failure = None
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_STREAMS"):
        await connect(api, stream("not_there_yet"), identifier="other")


@with_ends
async def test_settings_out_of_range_are_refused(api: Api) -> None:
    """64 streams are the limit that the protocol names."""
    denied = await refusal(connect(api, stream("orders"), settings={"max_parallel_streams": 65}))
    assert list(denied.fields) == ["connection.settings.max_parallel_streams"]


async def test_plan_asks_the_destination_about_streams_of_a_connection_that_need_not_exist(
    api: Api, bench: Bench
) -> None:
    """Whoever chooses streams sees where they would go, under the same checks as if it were created."""
    await create_ends(api)
    draft = connections_pb2.Connection(source="sources/shop", destination="destinations/lake")
    draft.streams.append(stream("customers", columns=["id"]))
    draft.streams.append(stream("orders", write_mode="WRITE_MODE_DEDUP", primary_key=["updated_at"]))
    answer = await api.connections.PlanConnection(connections_pb2.PlanConnectionRequest(connection=draft))
    assert [plan.location for plan in answer.streams] == ["lake/customers", "lake/orders"]
    asked = bench.connectors.tasks[-1]
    assert asked.connector.connector == "connectors/s3"
    assert [list(each.stream.primary_key) for each in asked.streams] == [["id"], ["updated_at"]]
    assert list(asked.streams[0].stream.columns) == ["id"]
    assert [each.ipc_schema for each in asked.streams] == [descriptor("customers").ipc_schema] * 2
    del draft.streams[:]
    everything = await api.connections.PlanConnection(connections_pb2.PlanConnectionRequest(connection=draft))
    assert len(everything.streams) == 3
    assert bench.connectors.discoveries == 2
    bench.connectors.failure = failures_pb2.Failure(
        kind="KIND_DENIED", reason="FROM_CONNECTOR", message="no", origin="x"
    )
    draft.streams.append(stream("brand_new"))
    with refused(grpc.StatusCode.PERMISSION_DENIED, "FROM_CONNECTOR"):
        await api.connections.PlanConnection(connections_pb2.PlanConnectionRequest(connection=draft))
    draft.streams[0].CopyFrom(stream("orders", "READ_MODE_INCREMENTAL"))
    bench.connectors.failure = None
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_STREAMS"):
        await api.connections.PlanConnection(connections_pb2.PlanConnectionRequest(connection=draft))
    draft.destination = "destinations/none"
    with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
        await api.connections.PlanConnection(connections_pb2.PlanConnectionRequest(connection=draft))
    listed = await api.connections.ListConnections(connections_pb2.ListConnectionsRequest())
    assert list(listed.connections) == []
