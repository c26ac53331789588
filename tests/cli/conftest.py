"""One Towpath for all tests of the command line, the test connectors registered, one connection that has run."""

from __future__ import annotations

import pytest
from cli_prompt import Prompt
from cli_scene import Scene
from stack import Stack


@pytest.fixture(scope="session")
def scene(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The connectors `numbers` and `folder`, and a place for what they write."""
    scene = Scene(stack, tmp_path_factory.mktemp("scene"))
    scene.register()
    return scene


@pytest.fixture(scope="session")
def towpath(stack: Stack) -> Prompt:
    """The command."""
    return Prompt(stack)


@pytest.fixture(scope="session")
def counted(scene: Scene, towpath: Prompt) -> str:
    """A connection of two streams of 300 rows that has run once; tests look at it and do not change it."""
    name = scene.connect("counted", streams=2, rows=300, password="hunter2")
    towpath.ok("sync", name, "--follow")
    return name
