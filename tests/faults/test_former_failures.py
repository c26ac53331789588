"""Rounds that failed once, with what they showed."""

from __future__ import annotations

from faults_plan import Plan, Strike
from faults_scene import Scene


def test_destination_dies_while_batches_are_on_their_way(scene: Scene) -> None:
    """That was an internal error to gRPC, which ended the stream for good instead of trying it again."""
    scene.round(Plan(1021, (Strike(0.16, 0.07, "destination"), Strike(0.57, 0.13, "postgres"))))


def test_server_is_away_for_longer_than_the_lease(scene: Scene) -> None:
    """A job was given up here as lost once, while it had attempts left; the next attempt has to go on instead."""
    scene.round(Plan(1023, (Strike(0.41, 0.30, "server away"),)))
