"""The connectors that come with Towpath are known to a server from its start."""

from __future__ import annotations

import pytest
from cli_prompt import Prompt
from stack import Stack


@pytest.mark.parametrize("connector", ["source-postgres", "source-faker", "destination-s3", "destination-local"])
def test_connector_that_comes_with_towpath_is_registered(stack: Stack, connector: str) -> None:
    """A first try needs no registration: its spec is there to be asked for."""
    known = Prompt(stack).ok("connectors", "get", connector, "-o", "json").json
    assert known["spec"]["connectorId"] == f"io.towpath.{connector}"


def test_rows_that_are_made_up_can_be_looked_at(stack: Stack) -> None:
    """The shortest way to a source that works: no system to reach, one setting."""
    towpath = Prompt(stack)
    towpath.ok("sources", "create", "made-up", "--connector", "source-faker", "-c", "seed=7")
    assert "ok" in towpath.ok("sources", "check", "made-up").out
    assert [
        name
        for name in ("customers", "orders", "events")
        if name not in towpath.ok("sources", "discover", "made-up").out
    ] == []
