"""Sources and destinations: configurations are checked by schema, sealed at rest and masked in every answer."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from server_bench import Api, Bench
from server_database import failing_updates, forms_of, whole_database
from server_ends import with_ends, with_registered
from server_steps import (
    SECRET,
    SOURCE_CONFIG,
    connect,
    create_ends,
    create_source,
    preview_of,
    refusal,
    refused,
)
from stand_in_worker import ROW_SECRET, descriptor
from towpath.connector.v1 import types_pb2
from towpath.control.v1 import destinations_pb2, failures_pb2, sources_pb2

MASK = "********"


def update(config: dict[str, Any], etag: str = "", **values: Any) -> sources_pb2.UpdateSourceRequest:
    source = sources_pb2.Source(name="sources/shop", config_json=json.dumps(config), etag=etag, **values)
    return sources_pb2.UpdateSourceRequest(source=source)


def read_only_as(name: str, *modes: str) -> types_pb2.StreamDescriptor:
    """Describe a stream that has these read modes and no other."""
    described = descriptor(name)
    del described.read_modes[:]
    described.MergeFrom(types_pb2.StreamDescriptor(read_modes=modes))
    return described


async def stored_config(api: Api, bench: Bench) -> dict[str, Any]:
    """What a connector would be started with."""
    await api.sources.CheckSource(sources_pb2.CheckSourceRequest(name="sources/shop"))
    return json.loads(bench.connectors.launches[-1].config_json)


@with_registered
async def test_secret_is_masked_in_every_answer_and_kept_when_the_mask_comes_back(api: Api, bench: Bench) -> None:
    """Otherwise the first edit of a port would overwrite the password with asterisks."""
    created = await create_source(api, "shop")
    assert json.loads(created.config_json) == {**SOURCE_CONFIG, "password": MASK}
    got = (await api.sources.GetSource(sources_pb2.GetSourceRequest(name="sources/shop"))).source
    listed = (await api.sources.ListSources(sources_pb2.ListSourcesRequest())).sources[0]
    assert created == got == listed
    changed = (await api.sources.UpdateSource(update({**json.loads(got.config_json), "port": 6432}))).source
    assert json.loads(changed.config_json) == {"host": "db.example", "port": 6432, "password": MASK}
    assert await stored_config(api, bench) == {**SOURCE_CONFIG, "port": 6432}
    await api.sources.UpdateSource(update({"host": "db.example", "password": "new"}))
    assert await stored_config(api, bench) == {"host": "db.example", "password": "new"}


@with_registered
async def test_nested_secrets_are_masked_through_references_alternatives_and_arrays(api: Api, bench: Bench) -> None:
    """A mask that knows only the top level would leak the tunnel's key."""
    config = {
        **SOURCE_CONFIG,
        "tunnel": {"user": "me", "auth": {"kind": "key", "key": "PRIVATE"}},
        "replicas": [{"host": "a", "token": "ta"}, {"host": "b", "token": "tb"}],
    }
    shown = json.loads((await create_source(api, "shop", config)).config_json)
    assert shown["tunnel"] == {"user": "me", "auth": {"kind": "key", "key": MASK}}
    assert shown["replicas"] == [{"host": "a", "token": MASK}, {"host": "b", "token": MASK}]
    shown["replicas"].reverse()
    await api.sources.UpdateSource(update(shown))
    stored = await stored_config(api, bench)
    assert stored["replicas"] == [{"host": "b", "token": "tb"}, {"host": "a", "token": "ta"}]
    assert stored["tunnel"]["auth"]["key"] == "PRIVATE"
    shown["replicas"].append({"host": "c", "token": MASK})
    denied = await refusal(api.sources.UpdateSource(update(shown)))
    assert list(denied.fields) == ["replicas[2].token"]


@with_registered
async def test_mask_without_a_stored_secret_is_refused(api: Api) -> None:
    """A password of eight asterisks would only fail at night."""
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "SECRET_MISSING"):
        await create_source(api, "shop", {"host": "h", "password": MASK})


@with_registered
@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({"password": SECRET}, ["host"]),
        ({"host": "", "password": SECRET}, ["host"]),
        ({"host": "h", "password": SECRET, "port": "5432"}, ["port"]),
        ({"host": "h", "password": SECRET, "port": 0}, ["port"]),
        ({"host": "h", "password": SECRET, "hots": "h"}, ["hots"]),
        ({"host": "h", "password": [SECRET]}, ["password"]),
        ({"host": 1, "password": SECRET, "tunnel": {}}, ["host", "tunnel.user"]),
        ({"host": "h", "password": SECRET, "tunnel": {"user": "u", "auth": {"kind": "key"}}}, ["tunnel.auth.key"]),
        ({"host": "h", "password": SECRET, "replicas": [{"host": 5}]}, ["replicas[0].host"]),
    ],
)
async def test_config_that_breaks_the_schema_names_the_field_and_never_a_secret(
    api: Api, config: dict[str, Any], fields: list[str]
) -> None:
    """The user must find the line; the log of the client must not find the password."""
    denied = await refusal(create_source(api, "shop", config))
    assert (denied.code, denied.error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CONFIG")
    assert sorted(denied.fields) == fields
    assert SECRET not in str(denied)


@with_registered
@pytest.mark.parametrize("text", ["{", "[]", '{"port": NaN}', "null", '{"a":' * 5000])
async def test_text_that_is_no_json_object_is_refused(api: Api, text: str) -> None:
    """With the place, not with the text: it may hold a secret."""
    request = sources_pb2.CreateSourceRequest(
        source_id="shop", source=sources_pb2.Source(connector="connectors/pg", config_json=text)
    )
    denied = await refusal(api.sources.CreateSource(request))
    assert list(denied.fields) == ["config_json"]


@with_registered
async def test_large_integers_survive(api: Api, bench: Bench) -> None:
    """JSON numbers above 2^53 are damaged by most tools."""
    await create_source(api, "shop", {**SOURCE_CONFIG, "replicas": [{"id": 2**63 + 1}]})
    assert (await stored_config(api, bench))["replicas"] == [{"id": 2**63 + 1}]


async def test_secret_is_never_in_the_database_in_clear(api: Api, bench: Bench, metadata_url: str) -> None:
    """Backups of the database travel further than the key file."""
    await create_ends(api)
    await connect(api)
    await api.sources.CheckSource(sources_pb2.CheckSourceRequest(name="sources/shop"))
    assert SECRET in bench.connectors.launches[-1].config_json
    content = whole_database(metadata_url)
    assert b"shop" in content
    assert [form for form in forms_of(SECRET) if form in content] == []


async def test_secret_is_never_in_the_servers_log(
    capfd: pytest.CaptureFixture[str], bench: Bench, metadata_url: str
) -> None:
    """Also not when the call with it fails, nor when the database fails in the middle of it."""
    api = await bench.start()
    await bench.start_worker(api)
    await create_ends(api)
    await refusal(create_source(api, "shop"))
    await refusal(create_source(api, "other", {"host": "h", "password": SECRET, "port": "x"}))
    async with failing_updates(metadata_url, "sources", "NEW.id = 'shop'"):
        with refused(grpc.StatusCode.INTERNAL, "BUG"):
            await api.sources.UpdateSource(update({**SOURCE_CONFIG, "port": 1}))
    captured = capfd.readouterr()
    for event in ("call refused", "call failed", "a fault of the test", "UpdateSource"):
        assert event in captured.err
    assert SECRET not in captured.out + captured.err
    assert "hunter2" not in captured.out + captured.err


@with_registered
async def test_outdated_etag_and_immutable_connector_are_refused(api: Api) -> None:
    """What one person changed, another does not undo unseen."""
    old = await create_source(api, "shop")
    await api.sources.UpdateSource(update({**SOURCE_CONFIG, "host": "other.example.com"}, old.etag))
    with refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
        await api.sources.UpdateSource(update(SOURCE_CONFIG, old.etag))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "IMMUTABLE"):
        await api.sources.UpdateSource(update(SOURCE_CONFIG, connector="connectors/s3"))
    request = update(SOURCE_CONFIG)
    request.update_mask.paths.append("create_time")
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_UPDATE_MASK"):
        await api.sources.UpdateSource(request)


@with_registered
async def test_role_and_connector_must_fit(api: Api) -> None:
    """A destination connector cannot be read from."""
    for connector, code, reason in (
        ("connectors/s3", grpc.StatusCode.INVALID_ARGUMENT, "WRONG_ROLE"),
        ("connectors/none", grpc.StatusCode.NOT_FOUND, "NOT_FOUND"),
        ("pg", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME"),
    ):
        request = sources_pb2.CreateSourceRequest(
            source_id="shop", source=sources_pb2.Source(connector=connector, config_json=json.dumps(SOURCE_CONFIG))
        )
        with refused(code, reason):
            await api.sources.CreateSource(request)


@with_registered
async def test_request_id_makes_a_repetition_harmless(api: Api) -> None:
    """A client that lost the answer must be able to ask again."""
    request = sources_pb2.CreateSourceRequest(
        source_id="shop",
        source=sources_pb2.Source(connector="connectors/pg", config_json=json.dumps(SOURCE_CONFIG)),
        request_id="r1",
    )
    first = await api.sources.CreateSource(request)
    assert await api.sources.CreateSource(request) == first
    request.request_id = ""
    with refused(grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS"):
        await api.sources.CreateSource(request)
    request.request_id, request.source_id = "r1", "other"
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED"):
        await api.sources.CreateSource(request)


@with_ends
async def test_check_shows_every_probe_and_discover_every_stream(api: Api) -> None:
    """Both run on a worker, where the connector and the network are."""
    check = await api.sources.CheckSource(sources_pb2.CheckSourceRequest(name="sources/shop"))
    assert [(result.probe, result.status.code) for result in check.results] == [("network", 0)]
    check_destination = destinations_pb2.CheckDestinationRequest(name="destinations/lake")
    assert len((await api.destinations.CheckDestination(check_destination)).results) == 1
    pages = [page async for page in api.sources.DiscoverSource(sources_pb2.DiscoverSourceRequest(name="sources/shop"))]
    assert [stream.name.name for page in pages for stream in page.streams] == ["orders", "customers", "events"]


async def test_preview_reads_a_stream_in_the_way_that_leaves_nothing_behind(
    api: Api, bench: Bench, metadata_url: str
) -> None:
    """A snapshot, else what is beyond no cursor; never changes, for which a source would keep its log."""
    await create_ends(api)
    bench.connectors.streams = [
        descriptor("orders"),
        read_only_as("beyond", "READ_MODE_INCREMENTAL", "READ_MODE_CHANGES"),
        read_only_as("log", "READ_MODE_CHANGES"),
    ]
    shown = await api.sources.PreviewStream(preview_of("orders", columns=["id"]))
    assert [column.name for column in shown.preview.columns] == ["id"]
    assert shown.preview.rows[0].values[0].text == ROW_SECRET
    assert bench.connectors.discoveries == 1
    await api.sources.PreviewStream(preview_of("beyond", max_rows=1000))
    assert bench.connectors.discoveries == 1
    asked = [task for task in bench.connectors.tasks if task.streams]
    assert [task.max_rows for task in asked] == [20, 100]
    assert list(asked[0].streams[0].stream.columns) == ["id"]
    selections = [task.streams[0].stream for task in asked]
    assert [(each.read_mode, each.cursor_column) for each in selections] == [(1, ""), (2, "updated_at")]
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "CHANGES_ONLY"):
        await api.sources.PreviewStream(preview_of("log"))
    unknown = await refusal(api.sources.PreviewStream(preview_of("nothing")))
    assert unknown.error.reason == "UNKNOWN_STREAM"
    assert "choose one of: public.orders, public.beyond, public.log" in unknown.fields["stream"]
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ROWS"):
        await api.sources.PreviewStream(preview_of("orders", max_rows=-1))
    assert ROW_SECRET.encode() not in whole_database(metadata_url)


async def test_failure_of_a_connector_keeps_its_kind_in_check_and_discover(api: Api, bench: Bench) -> None:
    """The user's next step depends on it: mend the password, or try again later."""
    await create_ends(api)
    check = sources_pb2.CheckSourceRequest(name="sources/shop")
    discover = sources_pb2.DiscoverSourceRequest(name="sources/shop")
    for kind, code in (
        ("KIND_DENIED", grpc.StatusCode.PERMISSION_DENIED),
        ("KIND_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE),
        ("KIND_MISCONFIGURED", grpc.StatusCode.INVALID_ARGUMENT),
    ):
        bench.connectors.failure = failures_pb2.Failure(
            kind=kind, reason="FROM_CONNECTOR", message="the role lacks CONNECT; grant it", origin="source"
        )
        with refused(code, "FROM_CONNECTOR"):
            await api.sources.CheckSource(check)
        with refused(code, "FROM_CONNECTOR"):
            await api.sources.DiscoverSource(discover).read()
    with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
        await api.sources.CheckSource(sources_pb2.CheckSourceRequest(name="sources/none"))


@with_ends
async def test_source_in_use_cannot_be_deleted(api: Api) -> None:
    """A connection without its source could not run."""
    await connect(api)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "IN_USE"):
        await api.sources.DeleteSource(sources_pb2.DeleteSourceRequest(name="sources/shop"))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "IN_USE"):
        await api.destinations.DeleteDestination(destinations_pb2.DeleteDestinationRequest(name="destinations/lake"))
