"""Connectors: registered by starting them once on a worker."""

from __future__ import annotations

import time

import grpc
from server_bench import Api, Bench
from server_ends import with_registered
from server_steps import create_source, refused
from towpath.connector.v1 import connector_pb2
from towpath.control.v1 import connectors_pb2


def request(identifier: str, *command: str, request_id: str = "") -> connectors_pb2.CreateConnectorRequest:
    return connectors_pb2.CreateConnectorRequest(
        connector_id=identifier, connector=connectors_pb2.Connector(command=command), request_id=request_id
    )


async def test_connector_is_registered_with_the_spec_that_it_tells(api: Api) -> None:
    """A user never types the spec: the connector itself is asked."""
    created = (await api.connectors.CreateConnector(request("pg", "source", "--fast"))).connector
    assert created.name == "connectors/pg"
    assert list(created.spec.roles) == [connector_pb2.ROLE_SOURCE]
    got = (await api.connectors.GetConnector(connectors_pb2.GetConnectorRequest(name="connectors/pg"))).connector
    assert got == created


async def test_same_definition_again_is_no_error_and_another_one_is(api: Api) -> None:
    """Scripts register on every run; only a contradiction must stop them."""
    first = await api.connectors.CreateConnector(request("pg", "source"))
    assert await api.connectors.CreateConnector(request("pg", "source")) == first
    with refused(grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS"):
        await api.connectors.CreateConnector(request("pg", "destination"))


async def test_connector_that_does_not_start_is_refused_with_its_words(api: Api) -> None:
    """The user learns at registration, not at the first sync."""
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "CONNECTOR_EXITED"):
        await api.connectors.CreateConnector(request("pg", "exits"))


async def test_without_a_worker_the_answer_says_so_within_seconds(bench: Bench) -> None:
    """A forgotten worker is the most common first mistake; it must not look like a hang."""
    api = await bench.start()
    began = time.monotonic()
    with refused(grpc.StatusCode.UNAVAILABLE, "NO_WORKER"):
        await api.connectors.CreateConnector(request("pg", "source"))
    assert time.monotonic() - began < 10


async def test_connector_that_hangs_is_given_up_before_the_deadline_of_the_caller(api: Api) -> None:
    """The caller gets a sentence instead of a bare "deadline exceeded"."""
    with refused(grpc.StatusCode.UNAVAILABLE, "TASK_TIMEOUT"):
        await api.connectors.CreateConnector(request("pg", "hangs"), timeout=8)


async def test_bad_ids_and_empty_commands_are_refused(api: Api) -> None:
    """Names travel in URLs and files."""
    for identifier in ("", "Pg", "1pg", "-pg", "p" * 64, "p_g", "pg/x"):
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ID"):
            await api.connectors.CreateConnector(request(identifier, "source"))
    for command in ((), ("",)):
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_COMMAND"):
            await api.connectors.CreateConnector(request("pg", *command))


async def test_update_reads_the_spec_again_and_refuses_an_outdated_etag(api: Api) -> None:
    """Two people who change one connector must not undo each other in silence."""
    old = (await api.connectors.CreateConnector(request("pg", "source"))).connector
    wanted = connectors_pb2.Connector(name="connectors/pg", command=["source", "-v"], etag=old.etag)
    new = (await api.connectors.UpdateConnector(connectors_pb2.UpdateConnectorRequest(connector=wanted))).connector
    assert list(new.command) == ["source", "-v"]
    assert new.etag != old.etag
    with refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
        await api.connectors.UpdateConnector(connectors_pb2.UpdateConnectorRequest(connector=wanted))


@with_registered
async def test_connector_in_use_cannot_be_deleted(api: Api) -> None:
    """A source without its connector could neither be shown nor run."""
    await create_source(api, "shop")
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "IN_USE"):
        await api.connectors.DeleteConnector(connectors_pb2.DeleteConnectorRequest(name="connectors/pg"))
    await api.connectors.DeleteConnector(connectors_pb2.DeleteConnectorRequest(name="connectors/s3"))
    with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
        await api.connectors.GetConnector(connectors_pb2.GetConnectorRequest(name="connectors/s3"))


async def test_pages_follow_each_other_without_gap_or_repetition(api: Api) -> None:
    """Also while a row is deleted between two pages."""
    for number in range(5):
        await api.connectors.CreateConnector(request(f"c{number}", "source"))
    first = await api.connectors.ListConnectors(connectors_pb2.ListConnectorsRequest(page_size=2))
    await api.connectors.DeleteConnector(connectors_pb2.DeleteConnectorRequest(name="connectors/c1"))
    second = await api.connectors.ListConnectors(
        connectors_pb2.ListConnectorsRequest(page_size=2, page_token=first.next_page_token)
    )
    third = await api.connectors.ListConnectors(
        connectors_pb2.ListConnectorsRequest(page_size=2, page_token=second.next_page_token)
    )
    names = [connector.name for page in (first, second, third) for connector in page.connectors]
    assert names == [f"connectors/c{number}" for number in range(5)]
    assert third.next_page_token == ""
    for token in ("nonsense", "W10", first.next_page_token[:-2]):
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE"):
            await api.connectors.ListConnectors(connectors_pb2.ListConnectorsRequest(page_token=token))
