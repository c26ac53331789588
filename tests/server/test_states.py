"""States: shown after every commit that was published, and edited or dropped on request."""

from __future__ import annotations

from typing import Any, cast

import grpc
import pytest
from server_bench import Api
from server_steps import begin, connect, incremental, refusal, refused, run_to_end, states, stream, sync
from towpath.control.v1 import connections_pb2
from towpath_sdk._wire.states import decode_state

pytestmark = pytest.mark.usefixtures("ends")


def reset(name: str) -> connections_pb2.ResetStreamStateRequest:
    return connections_pb2.ResetStreamStateRequest(
        name="connections/daily", stream={"namespace": "public", "name": name}
    )


async def test_states_are_those_of_the_last_published_commits(api: Api) -> None:
    """This is where the next run goes on."""
    await connect(api, incremental("orders"), stream("customers"))
    assert await states(api) == {}, "nothing ran yet"
    job = await sync(api)
    await run_to_end(api, job.name)
    stored = await states(api)
    orders = stored["orders"]
    assert (orders.state, orders.state_version, orders.generation_id) == (b"state 0.1", 1, 1)
    assert orders.name.namespace == "public"
    assert orders.update_time.ToDatetime() >= job.create_time.ToDatetime()
    assert stored["customers"].state == b""
    with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
        await states(api, "connections/none")


async def test_states_are_listed_by_name(api: Api) -> None:
    """Two calls can be compared."""
    await connect(api, stream("orders"), stream("customers"), stream("events"))
    await run_to_end(api, (await sync(api)).name)
    assert list(await states(api)) == ["customers", "events", "orders"]


async def test_state_cannot_be_dropped_under_a_running_job(api: Api) -> None:
    """Its commits build on the state that it began with."""
    await connect(api, incremental("orders"))
    await run_to_end(api, (await sync(api)).name)
    before = await states(api)
    job = await sync(api)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "JOB_ACTIVE"):
        await api.connections.ResetStreamState(reset("orders"))
    assert await states(api) == before
    await run_to_end(api, job.name)
    assert (await api.connections.ResetStreamState(reset("orders"))).state.state == b""


async def test_reset_of_a_stream_that_never_ran_names_those_that_did(api: Api) -> None:
    """A misspelt name must not look like success."""
    await connect(api, incremental("orders"), incremental("customers"))
    await run_to_end(api, (await sync(api)).name)
    denied = await refusal(api.connections.ResetStreamState(reset("order")))
    assert (denied.code, denied.error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_STREAM")
    assert "public.customers, public.orders" in denied.fields["stream"]


def edit(state: connections_pb2.StreamState, content: bytes, **values: Any) -> connections_pb2.UpdateStreamStateRequest:
    return connections_pb2.UpdateStreamStateRequest(
        name="connections/daily", stream=state.name, state=content, **cast("Any", {"etag": state.etag, **values})
    )


async def test_next_run_goes_on_from_a_state_that_was_edited(api: Api) -> None:
    """Whoever knows that a week was wrong reads it again without reading everything."""
    await connect(api, incremental("orders"))
    await run_to_end(api, (await sync(api)).name)
    before = (await states(api))["orders"]
    edited = (await api.connections.UpdateStreamState(edit(before, b"earlier"))).state
    assert (edited.state, edited.state_version, edited.generation_id) == (b"earlier", 1, before.generation_id)
    assert (await states(api))["orders"] == edited
    job = await sync(api)
    assert (await begin(api, job.name)).work.streams[0].state == b"earlier"


async def test_checksum_follows_the_content_that_a_person_wrote(api: Api) -> None:
    """The SDK takes any other change for damage; text that is no JSON any more is refused while its author looks."""
    await connect(api, incremental("orders"))
    await run_to_end(api, (await sync(api)).name)
    state = (await states(api))["orders"]
    wanted = edit(state, b'towpath:json:00000000:{"at": 5}', state_version=3)
    state = (await api.connections.UpdateStreamState(wanted)).state
    assert (decode_state(state.state), state.state_version) == ({"at": 5}, 3)
    for broken in (b"towpath:json:00000000:{", b"towpath:json:00000000:[1]", b""):
        denied = await refusal(api.connections.UpdateStreamState(edit(state, broken)))
        assert (denied.code, denied.error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_STATE")
        assert set(denied.fields) == {"state"}


async def test_state_is_not_edited_by_who_saw_another_one_or_under_a_job(api: Api) -> None:
    """Two people at once, or a run in between: what was looked at is not what would be replaced."""
    await connect(api, incremental("orders"), stream("customers"))
    await run_to_end(api, (await sync(api)).name)
    stored = await states(api)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "MISSING_ETAG"):
        await api.connections.UpdateStreamState(edit(stored["orders"], b"x", etag=""))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "NO_STATE"):
        await api.connections.UpdateStreamState(edit(stored["customers"], b"x"))
    job = await sync(api)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "JOB_ACTIVE"):
        await api.connections.UpdateStreamState(edit(stored["orders"], b"x"))
    await run_to_end(api, job.name)
    with refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
        await api.connections.UpdateStreamState(edit(stored["orders"], b"x"))


async def test_stream_that_left_the_connection_and_comes_back_goes_on_where_it_was(api: Api) -> None:
    """Deselecting a table for a week must not read ten years again."""
    connection = await connect(api, incremental("orders"), incremental("customers"))
    await run_to_end(api, (await sync(api)).name)
    before = await states(api)
    for selected in (connection.streams[1:], connection.streams):
        wanted = connections_pb2.Connection(name=connection.name, streams=selected)
        request = connections_pb2.UpdateConnectionRequest(connection=wanted)
        request.update_mask.paths.append("streams")
        await api.connections.UpdateConnection(request)
    assert await states(api) == before
