"""Generations: which one each job writes, and which ones go away with it."""

from __future__ import annotations

import pytest
from server_bench import Api
from server_steps import begin, connect, incremental, publish, run_to_end, states, stream, sync
from towpath.control.v1 import connections_pb2

pytestmark = pytest.mark.usefixtures("ends")

FAILURE = {"kind": "KIND_UNAVAILABLE", "reason": "DOWN", "message": "down", "origin": "source"}


async def next_generations(api: Api, *, succeeds: bool = True, refresh: bool = False) -> list[tuple[int, int]]:
    """Run a job, and return generation and minimum of each of its streams."""
    if refresh:
        request = connections_pb2.RefreshConnectionRequest(name="connections/daily")
        job = (await api.connections.RefreshConnection(request)).job
    else:
        job = await sync(api)
    attempt = await begin(api, job.name)
    for work in attempt.work.streams:
        await attempt.commit(work.stream_index, 1)
        if succeeds:
            await attempt.finish(work.stream_index)
    await publish(api, job.name, **({} if succeeds else FAILURE))
    return [(work.generation_id, work.minimum_generation_id) for work in attempt.work.streams]


async def test_every_overwrite_is_a_new_generation_that_replaces_the_older_ones(api: Api) -> None:
    """Two full loads side by side would show every row twice."""
    await connect(api, stream("orders"))
    assert [await next_generations(api) for _ in range(3)] == [[(1, 1)], [(2, 2)], [(3, 3)]]


async def test_overwrite_that_failed_is_tried_again_as_the_same_generation(api: Api) -> None:
    """Readers keep generation 1 until a whole generation 2 is there."""
    await connect(api, stream("orders"))
    await next_generations(api)
    assert await next_generations(api, succeeds=False) == [(2, 2)]
    assert (await states(api))["orders"].generation_id == 1
    assert await next_generations(api) == [(2, 2)]
    assert (await states(api))["orders"].generation_id == 2


async def test_appends_and_increments_stay_in_their_generation_until_a_refresh(api: Api) -> None:
    """What is appended belongs beside what is there."""
    await connect(api, incremental("orders"), stream("customers", write_mode="WRITE_MODE_APPEND"))
    assert [await next_generations(api) for _ in range(2)] == [[(1, 0), (1, 0)], [(1, 0), (1, 0)]]
    assert await next_generations(api, refresh=True) == [(2, 2), (2, 2)]
    assert await next_generations(api) == [(2, 0), (2, 0)]


async def test_reset_starts_one_new_generation_however_often_it_is_asked_for(api: Api) -> None:
    """And it stays to be written until a job has written it whole."""
    await connect(api, incremental("orders"))
    await run_to_end(api, (await sync(api)).name)
    request = connections_pb2.ResetStreamStateRequest(
        name="connections/daily", stream={"namespace": "public", "name": "orders"}
    )
    for _ in range(2):
        state = (await api.connections.ResetStreamState(request)).state
        assert (state.state, state.generation_id) == (b"", 2)
    assert await next_generations(api, succeeds=False) == [(2, 2)]
    assert (await states(api))["orders"].state == b"", "nothing was shown, so nothing may be continued"
    assert await next_generations(api) == [(2, 2)]
    assert (await states(api))["orders"].state == b"state 0.1"
    assert await next_generations(api) == [(2, 0)]
