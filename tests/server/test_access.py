"""Who may call: tokens for users and for workers, TLS, and a server that refuses to be open to the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from authority import Authority
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from server_bench import Bench
from server_methods import code_of, methods, services
from server_process import server_process
from server_steps import refused
from towpath.control.v1 import sources_pb2
from towpath_sdk.errors import Misconfigured

USERS, WORKERS = ("user-1", "user-2"), ("worker-1",)
REFUSALS = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INTERNAL)


def bearer(token: str) -> Sequence[tuple[str, str]]:
    return (("authorization", f"Bearer {token}"),)


async def names_by_reflection(channel: aio.Channel, metadata: Sequence[tuple[str, str]]) -> set[str]:
    """Return the services that reflection lists."""
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast("Any", channel))
    call = stub.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")]), metadata=tuple(metadata)
    )
    return {service.name for answer in [await call.read()] for service in answer.list_services_response.service}


async def test_every_method_asks_for_a_token(sqlite_bench: Bench) -> None:
    """One that was forgotten would hand out every configuration in clear."""
    api = await sqlite_bench.start(replace(sqlite_bench.settings, users=USERS, workers=WORKERS))
    every = list(methods())
    assert len(every) > 40
    for method in every:
        runtime = method.containing_service.full_name.startswith("towpath.runtime.")
        right, other = (WORKERS, USERS) if runtime else (USERS, WORKERS)
        for wrong in (
            (),
            bearer(""),
            bearer("wrong"),
            bearer(right[0] + "x"),
            bearer(right[0][:-1]),
            (("authorization", right[0]),),
            (("authorization", f"Basic {right[0]}"),),
        ):
            code = await code_of(api.channel, method, metadata=wrong)
            assert code == grpc.StatusCode.UNAUTHENTICATED, (method.name, wrong)
        for token in right:
            code = await code_of(api.channel, method, metadata=bearer(token))
            assert code not in REFUSALS, method.name
        code = await code_of(api.channel, method, metadata=bearer(other[0]))
        assert (code == grpc.StatusCode.PERMISSION_DENIED) == (method.name != "WhoAmI"), method.name


async def test_refusal_says_what_to_send(sqlite_bench: Bench) -> None:
    """And never what was sent."""
    api = await sqlite_bench.start(replace(sqlite_bench.settings, users=USERS, workers=WORKERS))
    request = sources_pb2.ListSourcesRequest()
    with pytest.raises(grpc.RpcError) as caught:
        await api.sources.ListSources(request, metadata=tuple(bearer("my-guess")))
    assert "authorization: Bearer" in str(caught.value)
    assert "my-guess" not in str(caught.value)


async def test_health_is_free_and_reflection_is_not(sqlite_bench: Bench) -> None:
    """A load balancer has no token; a stranger shall not even learn what there is."""
    api = await sqlite_bench.start(replace(sqlite_bench.settings, users=USERS, workers=WORKERS))
    health: Any = health_pb2_grpc.HealthStub(api.channel)
    for service in ("", *services()):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with refused(grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"):
        await names_by_reflection(api.channel, ())
    listed = await names_by_reflection(api.channel, bearer("user-1"))
    assert listed == {*services(), "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_calls_travel_over_tls_when_a_certificate_is_given(sqlite_bench: Bench, tmp_path: Path) -> None:
    """A token over plain text is everybody's token."""
    authority = Authority("Towpath tests")
    root = authority.write_certificate(tmp_path / "root.crt").read_bytes()
    other = Authority("Somebody else").write_certificate(tmp_path / "other.crt").read_bytes()
    certificate, key = authority.issue(tmp_path / "server", "localhost", server=True)
    settings = replace(
        sqlite_bench.settings, listen="localhost:0", tls_cert_file=certificate, tls_key_file=key, users=USERS
    )
    plain = await sqlite_bench.start(settings)
    address = sqlite_bench.servers[0].address

    async def works(credentials: grpc.ChannelCredentials) -> bool:
        async with aio.secure_channel(address, credentials) as channel:
            method = next(method for method in methods() if method.name == "ListSources")
            return await code_of(channel, method, metadata=bearer("user-1")) == grpc.StatusCode.OK

    assert await works(grpc.ssl_channel_credentials(root))
    assert not await works(grpc.ssl_channel_credentials(other))
    with pytest.raises(grpc.RpcError):
        await plain.sources.ListSources(sources_pb2.ListSourcesRequest(), metadata=tuple(bearer("user-1")), timeout=5)


async def test_certificate_that_cannot_be_used_is_told_at_the_start(sqlite_bench: Bench, tmp_path: Path) -> None:
    """Not by every client that fails to connect."""
    authority = Authority("Towpath tests")
    certificate, key = authority.issue(tmp_path / "server", "localhost", server=True)
    _, other_key = authority.issue(tmp_path / "other", "localhost", server=True)
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("not a certificate")
    for cert_file, key_file, named in (
        (garbage, key, garbage),
        (certificate, garbage, garbage),
        (certificate, other_key, other_key),
        (tmp_path / "absent", key, tmp_path / "absent"),
    ):
        settings = replace(sqlite_bench.settings, tls_cert_file=cert_file, tls_key_file=key_file)
        with pytest.raises(Misconfigured, match=str(named)) as caught:
            await sqlite_bench.start(settings)
        assert caught.value.reason == "INVALID_TLS"


async def test_address_in_use_is_told_at_the_start(sqlite_bench: Bench) -> None:
    """Two servers on one port would share its clients by chance."""
    await sqlite_bench.start()
    taken = replace(sqlite_bench.settings, listen=sqlite_bench.servers[0].address)
    with pytest.raises(Misconfigured, match="choose another port"):
        await sqlite_bench.start(taken)


async def test_program_refuses_to_be_open_to_the_world(sqlite_bench: Bench, tmp_path: Path) -> None:
    """One line that says what is missing, and the exit code of a misconfiguration."""
    token = tmp_path / "token"
    token.write_text("secret-token\n")
    flags = (f"--token-file={token}", f"--worker-token-file={token}", "--listen=0.0.0.0:0")
    async with server_process(sqlite_bench, tmp_path / "server", *flags) as process:
        code, output = process.run_to_end()
    assert code == 3
    assert output == (
        "towpath-server: listening on 0.0.0.0:0, beyond loopback, needs --tls-cert-file and --tls-key-file\n"
    )


async def test_program_takes_no_password_by_flag(sqlite_bench: Bench, tmp_path: Path) -> None:
    """Whoever is logged in reads the process list; and the refusal does not repeat what it refuses."""
    flags = ("--auth=off", "--database-url=postgresql://towpath:pass-in-flag@127.0.0.1:1/towpath")
    async with server_process(sqlite_bench, tmp_path / "server", *flags) as process:
        code, output = process.run_to_end()
    assert code == 3
    assert "set TOWPATH_SERVER_DATABASE_URL instead" in output
    assert "pass-in-flag" not in output
