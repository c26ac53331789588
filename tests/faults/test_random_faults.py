"""Faults at random moments of a run: every row arrives once, and nothing is left behind.

FAULT_ROUNDS says how many rounds there are, 20 unless set; TOWPATH_TEST_SEED the seed of the first one, a random one
unless set. The seed of a round follows from that of the one before by adding one; a failed round prints its own.
"""

from __future__ import annotations

import os
import random

import pytest
from faults_plan import Plan
from faults_scene import Scene

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "20"))
FIRST_SEED = int(os.environ.get("TOWPATH_TEST_SEED") or random.SystemRandom().getrandbits(24))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_every_row_arrives_once_whatever_is_killed(scene: Scene, number: int) -> None:
    """This is what the product promises; a round lasts as long as a run and its recovery."""
    plan = Plan.draw(FIRST_SEED + number)
    print(f"TOWPATH_TEST_SEED={plan.seed} FAULT_ROUNDS=1")  # noqa: T201  # pytest shows it when the test fails
    scene.round(plan)


def test_strikes_hit_a_run_that_was_under_way(scene: Scene) -> None:
    """Rounds whose faults come too late would prove nothing."""
    assert scene.hits >= scene.misses
