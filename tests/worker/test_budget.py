"""The budget: bytes in flight over all streams of a job."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from towpath_worker.transfer.budget import Budget


async def test_nobody_reads_while_the_budget_is_used_up() -> None:
    """Otherwise a slow destination would fill the worker's memory."""
    budget = Budget(100)
    first = await budget.reserve(60)
    second = asyncio.create_task(budget.reserve(60))
    await asyncio.sleep(0)
    assert not second.done()
    first.release()
    await second
    assert (budget.used, budget.peak) == (60, 60)


async def test_a_message_larger_than_the_budget_travels_alone() -> None:
    """One huge row must neither deadlock the job nor be skipped."""
    budget = Budget(100)
    small = await budget.reserve(1)
    huge = asyncio.create_task(budget.reserve(1000))
    await asyncio.sleep(0)
    assert not huge.done()
    small.release()
    grant = await huge
    grant.resize(1000)
    waiting = asyncio.create_task(budget.reserve(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    grant.release()
    await waiting


async def test_a_stream_that_gives_up_waiting_lets_the_next_one_pass() -> None:
    """A cancelled stream must not block the others for ever."""
    budget = Budget(100)
    held = await budget.reserve(90)
    large = asyncio.create_task(budget.reserve(50))
    little = asyncio.create_task(budget.reserve(10))
    await asyncio.sleep(0)
    assert not little.done()
    large.cancel()
    await asyncio.sleep(0)
    await asyncio.wait_for(little, 1)
    held.release()
    held.release()
    assert budget.used == 10


async def test_a_stream_that_gives_up_in_the_moment_of_its_turn_disturbs_nobody() -> None:
    """Its cancel and the room for it come at once: what ends one attempt must not look like a bug."""
    budget = Budget(100)
    held = await budget.reserve(90)
    leaving, staying = (asyncio.create_task(budget.reserve(size)) for size in (50, 60))
    await asyncio.sleep(0)
    leaving.cancel()
    held.release()
    (ended,) = await asyncio.gather(leaving, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError), ended
    (await asyncio.wait_for(staying, 1)).release()
    assert budget.used == 0


@given(st.lists(st.integers(1, 150), min_size=1, max_size=30), st.integers(1, 100))
def test_the_budget_is_kept_and_given_back(sizes: list[int], limit: int) -> None:
    """Whatever the sizes, no more than the limit is reserved, and nothing leaks."""

    async def run() -> Budget:
        budget = Budget(limit)

        async def use(size: int) -> None:
            grant = await budget.reserve(size)
            await asyncio.sleep(0)
            grant.release()

        await asyncio.gather(*(use(size) for size in sizes))
        return budget

    budget = asyncio.run(run())
    assert budget.used == 0
    assert budget.peak <= limit
