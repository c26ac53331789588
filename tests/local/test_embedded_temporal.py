from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
from orphans import ends_within, orphan
from temporalio.client import Client
from temporalio.service import RPCError
from towpath_local.embedded import EmbeddedTemporal


async def test_workflow_is_accepted_in_our_namespace(temporal: EmbeddedTemporal) -> None:
    """Ready means that the namespace exists, not only that a port is open."""
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    handle = await client.start_workflow("Nothing", id="accepted", task_queue="nobody")
    assert (await handle.describe()).id == "accepted"
    await handle.terminate()


def test_web_interface_answers(temporal: EmbeddedTemporal) -> None:
    """`towpath up` prints its address."""
    with urllib.request.urlopen(temporal.ui_url, timeout=10) as answer:  # noqa: S310  # always http
        assert answer.status == 200


async def test_workflows_survive_kill_9(tmp_path: Path) -> None:
    """Fault tests kill this server in the middle of syncs; clients go on with the same connection."""
    with EmbeddedTemporal(tmp_path / "temporal", search_attributes={"Marked": "Keyword"}) as server:
        client = await Client.connect(server.address, namespace=server.namespace)
        await client.start_workflow("Nothing", id="kept", task_queue="nobody")
        address = server.address
        server.kill()
        assert not server.running
        server.start()
        assert server.address == address
        assert (await client.get_workflow_handle("kept").describe()).status is not None


async def test_other_namespaces_do_not_exist(temporal: EmbeddedTemporal) -> None:
    """A client with a misspelt namespace must not seem to work."""
    client = await Client.connect(temporal.address, namespace="towpaht")
    with pytest.raises(RPCError, match="towpaht"):
        await client.start_workflow("Nothing", id="lost", task_queue="nobody")


def test_server_dies_with_its_parent_and_starts_again(tmp_path: Path) -> None:
    """The next start waits for an orphan that is still on its way out."""
    pid = orphan("temporal", tmp_path / "temporal")
    with EmbeddedTemporal(tmp_path / "temporal") as server:
        assert server.running
    assert ends_within(pid, 0.1)
