"""The audit trail: every change, by whom, in the transaction of the change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import grpc
import pytest
from access_tokens import ADMIN, WORKER, bearer, make_token
from grpc import aio
from server_bench import Api, Bench
from server_methods import methods
from server_steps import (
    SECRET,
    begin,
    connect,
    create_ends,
    incremental,
    preview_of,
    publish,
    refused,
    run_to_end,
    states,
    sync,
)
from sqlalchemy import text
from towpath.control.v1 import (
    audit_pb2,
    connections_pb2,
    connectors_pb2,
    destinations_pb2,
    jobs_pb2,
    sources_pb2,
    tokens_pb2,
)
from towpath_server.api.rules import RULES
from towpath_server.database.engine import open_engine


async def events(api: Api, **wanted: Any) -> list[audit_pb2.AuditEvent]:
    """Return the trail, oldest first."""
    found: list[audit_pb2.AuditEvent] = []
    while True:
        answer = await api.audit.ListAuditEvents(audit_pb2.ListAuditEventsRequest(page_size=3, **wanted))
        found += answer.events
        if not answer.next_page_token:
            return found[::-1]
        wanted["page_token"] = answer.next_page_token


async def change_everything(api: Api) -> set[str]:
    """Call every method that changes something, or shows rows, successfully; returns their names."""
    called: set[str] = set()

    async def call(method: str, request: Any) -> Any:
        called.add(method)
        service = next(one.containing_service.name for one in methods() if one.name == method)
        stubs = {
            "ConnectorService": api.connectors,
            "SourceService": api.sources,
            "DestinationService": api.destinations,
            "ConnectionService": api.connections,
            "JobService": api.jobs,
            "TokenService": api.tokens,
        }
        return await getattr(stubs[service], method)(request)

    await create_ends(api)
    called |= {"CreateConnector", "CreateSource", "CreateDestination"}
    await call(
        "UpdateConnector",
        connectors_pb2.UpdateConnectorRequest(
            connector=connectors_pb2.Connector(name="connectors/pg", command=["source", "--again"])
        ),
    )
    changed = f'{{"host":"other.example","port":5432,"password":"{SECRET}2"}}'
    source = sources_pb2.Source(name="sources/shop", config_json=changed)
    await call("UpdateSource", sources_pb2.UpdateSourceRequest(source=source))
    destination = destinations_pb2.Destination(name="destinations/lake", config_json='{"bucket":"sea"}')
    await call("UpdateDestination", destinations_pb2.UpdateDestinationRequest(destination=destination))
    await call("PreviewStream", preview_of("orders"))
    await connect(api, incremental("orders"))
    called.add("CreateConnection")
    name = "connections/daily"
    connection = connections_pb2.Connection(name=name, schema_change_policy="SCHEMA_CHANGE_POLICY_FAIL")
    mask = {"paths": ["schema_change_policy"]}
    await call("UpdateConnection", connections_pb2.UpdateConnectionRequest(connection=connection, update_mask=mask))
    await call("PauseConnection", connections_pb2.PauseConnectionRequest(name=name))
    await call("ResumeConnection", connections_pb2.ResumeConnectionRequest(name=name))
    for method in ("SyncConnection", "RefreshConnection"):
        request = getattr(connections_pb2, f"{method}Request")(name=name)
        await run_to_end(api, (await call(method, request)).job.name)
    [stored] = (await states(api)).values()
    edited = connections_pb2.UpdateStreamStateRequest(name=name, stream=stored.name, state=b"earlier", etag=stored.etag)
    await call("UpdateStreamState", edited)
    job = (await call("ClearConnection", connections_pb2.ClearConnectionRequest(name=name))).job.name
    await begin(api, job)
    await publish(api, job)
    reset = connections_pb2.ResetStreamStateRequest(name=name, stream={"namespace": "public", "name": "orders"})
    await call("ResetStreamState", reset)
    job = (await sync(api)).name
    await call("CancelJob", jobs_pb2.CancelJobRequest(name=job))
    await call("CreateToken", tokens_pb2.CreateTokenRequest(token_id="ci", token={"role": "ROLE_VIEWER"}))
    await call("RevokeToken", tokens_pb2.RevokeTokenRequest(name="tokens/ci"))
    await call("DeleteConnection", connections_pb2.DeleteConnectionRequest(name=name))
    await call("DeleteSource", sources_pb2.DeleteSourceRequest(name="sources/shop"))
    await call("DeleteDestination", destinations_pb2.DeleteDestinationRequest(name="destinations/lake"))
    await call("DeleteConnector", connectors_pb2.DeleteConnectorRequest(name="connectors/s3"))
    return called


async def test_every_change_and_every_look_at_rows_is_written_down_with_who_made_it(api: Api) -> None:
    """After an accident the first question is who changed what; after a leak, who looked."""
    called = await change_everything(api)
    assert called == {name.rpartition("/")[2] for name, rule in RULES.items() if rule.audited}
    trail = await events(api)
    assert [(event.action, event.resource) for event in trail] == [
        ("create", "connectors/pg"),
        ("create", "connectors/s3"),
        ("create", "sources/shop"),
        ("create", "destinations/lake"),
        ("update", "connectors/pg"),
        ("update", "sources/shop"),
        ("update", "destinations/lake"),
        ("preview", "sources/shop"),
        ("create", "connections/daily"),
        ("update", "connections/daily"),
        ("pause", "connections/daily"),
        ("resume", "connections/daily"),
        ("sync", "connections/daily"),
        ("refresh", "connections/daily"),
        ("update state", "connections/daily"),
        ("clear", "connections/daily"),
        ("reset state", "connections/daily"),
        ("sync", "connections/daily"),
        ("cancel", trail[18].resource),
        ("create", "tokens/ci"),
        ("revoke", "tokens/ci"),
        ("delete", "connections/daily"),
        ("delete", "sources/shop"),
        ("delete", "destinations/lake"),
        ("delete", "connectors/s3"),
    ]
    assert {(event.actor, event.peer) for event in trail} == {("anonymous", "127.0.0.1")}
    assert trail[5].details == {"fields": "host, password"}
    assert trail[7].details == {"stream": "public.orders"}
    assert trail[18].resource.startswith("jobs/")
    assert "hunter2" not in str(trail)


async def test_events_are_found_by_resource_and_by_actor(sqlite_bench: Bench) -> None:
    """Who did this, and what else did that token do."""
    api = await sqlite_bench.start(replace(sqlite_bench.settings, users=(ADMIN,), workers=(WORKER,)))
    second = (await make_token(api, "second", "admin")).secret
    await make_token(api, "third", "viewer", secret=second)

    async def resources(**wanted: str) -> list[str]:
        request = audit_pb2.ListAuditEventsRequest(**wanted)  # pyright: ignore[reportArgumentType]
        answer = await api.audit.ListAuditEvents(request, metadata=tuple(bearer(second)))
        return [event.resource for event in answer.events]

    assert await resources() == ["tokens/third", "tokens/second"]
    assert await resources(actor="tokens/second") == ["tokens/third"]
    assert await resources(resource="tokens/second") == ["tokens/second"]
    assert await resources(resource="tokens/second", actor="tokens/second") == []


async def test_change_that_fails_leaves_no_event_and_one_without_event_no_change(api: Api, bench: Bench) -> None:
    """A trail that is written beside the change tells lies after a crash between the two."""
    await create_ends(api)
    before = len(await events(api))
    with refused(grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS"):
        await create_ends(api)
    assert len(await events(api)) == before
    engine = open_engine(bench.settings.database_url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("DROP TABLE audit_events"))
        with pytest.raises(aio.AioRpcError):
            await api.sources.DeleteSource(sources_pb2.DeleteSourceRequest(name="sources/shop"))
        assert (await api.sources.GetSource(sources_pb2.GetSourceRequest(name="sources/shop"))).source.name
    finally:
        await engine.dispose()
