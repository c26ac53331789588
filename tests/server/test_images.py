"""Connectors that are registered by an image, and who decides what their containers may use."""

from __future__ import annotations

import grpc
import pytest
from server_bench import Api, Bench
from server_ends import with_ends
from server_steps import begin, connect, refused, stream, sync
from towpath.control.v1 import connections_pb2, connectors_pb2
from towpath.control.v1.limits_pb2 import ContainerLimits

MIB = 1024 * 1024


def create(**connector: object) -> connectors_pb2.CreateConnectorRequest:
    wanted = connectors_pb2.Connector(**connector)  # pyright: ignore[reportArgumentType]
    return connectors_pb2.CreateConnectorRequest(connector_id="boxed", connector=wanted)


async def update(api: Api, *mask: str, **connector: object) -> connectors_pb2.Connector:
    wanted = connectors_pb2.Connector(name="connectors/boxed", **connector)  # pyright: ignore[reportArgumentType]
    request = connectors_pb2.UpdateConnectorRequest(connector=wanted)
    request.update_mask.paths.extend(mask)
    return (await api.connectors.UpdateConnector(request)).connector


async def test_a_worker_is_told_the_image_and_its_limits(api: Api, bench: Bench) -> None:
    """It launches what it is told, and knows no more of a connector."""
    limits = ContainerLimits(memory_bytes=256 * MIB, cpu_millis=500)
    made = (await api.connectors.CreateConnector(create(image="source", limits=limits))).connector
    assert (made.image, list(made.command), made.limits) == ("source", [], limits)
    launch = bench.connectors.launches[-1]
    assert (launch.image, list(launch.command), launch.limits) == ("source", [], limits)


async def test_a_command_takes_the_place_of_an_image_and_leaves_the_limits(api: Api) -> None:
    """Who moves a connector to an image and back must not have to say its limits again."""
    limits = ContainerLimits(max_processes=64)
    await api.connectors.CreateConnector(create(image="source", limits=limits))
    changed = await update(api, "command", command=["source"])
    assert (list(changed.command), changed.image, changed.limits) == (["source"], "", limits)
    changed = await update(api, "image", image="source")
    assert (list(changed.command), changed.image, changed.limits) == ([], "source", limits)
    changed = await update(api, "limits")
    assert (changed.image, changed.HasField("limits")) == ("source", False)


@pytest.mark.parametrize(
    ("connector", "reason"),
    [
        ({"image": "source", "command": ["source"]}, "INVALID_IMAGE"),
        ({"image": "--privileged"}, "INVALID_IMAGE"),
        ({"image": "two words"}, "INVALID_IMAGE"),
        ({}, "INVALID_COMMAND"),
        ({"image": "source", "limits": {"memory_bytes": MIB}}, "INVALID_LIMITS"),
        ({"image": "source", "limits": {"cpu_millis": 1}}, "INVALID_LIMITS"),
    ],
)
async def test_what_could_not_be_started_is_refused(api: Api, connector: dict[str, object], reason: str) -> None:
    """At once, and not by every job."""
    with refused(grpc.StatusCode.INVALID_ARGUMENT, reason):
        await api.connectors.CreateConnector(create(**connector))


@with_ends
async def test_a_connections_limits_go_before_its_connectors(api: Api) -> None:
    """One large table must not cost every other connection its memory; what it does not say stays."""
    limits = ContainerLimits(memory_bytes=256 * MIB, cpu_millis=500)
    wanted = connectors_pb2.Connector(name="connectors/pg", image="source", limits=limits)
    await api.connectors.UpdateConnector(connectors_pb2.UpdateConnectorRequest(connector=wanted))
    settings = connections_pb2.ConnectionSettings(source_limits=ContainerLimits(memory_bytes=900 * MIB))
    made = await connect(api, stream("orders"), settings=settings)
    assert made.settings.source_limits.memory_bytes == 900 * MIB
    attempt = await begin(api, (await sync(api)).name)
    assert attempt.work.source.image == "source"
    assert attempt.work.source.limits == ContainerLimits(memory_bytes=900 * MIB, cpu_millis=500)
    assert not attempt.work.destination.HasField("limits")
