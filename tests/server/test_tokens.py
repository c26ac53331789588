"""API tokens: made, shown once, kept as hashes, expired and revoked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from access_tokens import ADMIN, WORKER, bearer, make_token
from google.protobuf.duration_pb2 import Duration
from server_bench import Api, Bench
from server_process import server_process
from server_steps import connect, create_ends, refused, stream, sync
from sqlalchemy import text
from towpath.control.v1 import jobs_pb2, sources_pb2, tokens_pb2
from towpath_sdk.errors import Misconfigured
from towpath_server.database.engine import open_engine

LIST = sources_pb2.ListSourcesRequest()


@pytest.fixture
async def guarded(bench: Bench) -> Api:
    """A server that asks for tokens, on each kind of database."""
    return await bench.start(replace(bench.settings, users=(ADMIN,), workers=(WORKER,)))


async def who(api: Api, secret: str) -> tokens_pb2.WhoAmIResponse:
    return await api.tokens.WhoAmI(tokens_pb2.WhoAmIRequest(), metadata=tuple(bearer(secret)))


async def test_token_opens_what_its_role_says_and_is_told_to_its_holder(guarded: Api) -> None:
    """A client shows who is logged in, and offers only what can be done."""
    made = await make_token(guarded, "ci", "editor")
    assert made.secret.startswith("towpath_")
    seen = await who(guarded, made.secret)
    assert (seen.actor, seen.role, seen.token_required) == ("tokens/ci", tokens_pb2.Token.ROLE_EDITOR, True)
    await guarded.sources.ListSources(LIST, metadata=tuple(bearer(made.secret)))
    operator = await who(guarded, ADMIN)
    assert operator.actor.startswith("token-file/")
    assert operator.role == tokens_pb2.Token.ROLE_ADMIN
    assert ADMIN not in str(operator)


async def test_nobody_is_asked_where_authentication_is_off(sqlite_bench: Bench) -> None:
    """`towpath up` on one machine stays as easy as it is."""
    api = await sqlite_bench.start()
    seen = await api.tokens.WhoAmI(tokens_pb2.WhoAmIRequest())
    assert (seen.actor, seen.role, seen.token_required) == ("anonymous", tokens_pb2.Token.ROLE_ADMIN, False)


async def test_secret_is_shown_once_and_stored_nowhere(guarded: Api, bench: Bench) -> None:
    """Who reads the database, or a backup of it, must not be able to call."""
    made = await make_token(guarded, "ci", "admin")
    answers = [
        await guarded.tokens.GetToken(tokens_pb2.GetTokenRequest(name="tokens/ci"), metadata=tuple(bearer(ADMIN))),
        await guarded.tokens.ListTokens(tokens_pb2.ListTokensRequest(), metadata=tuple(bearer(ADMIN))),
    ]
    assert made.secret not in str(answers)
    engine = open_engine(bench.settings.database_url)
    try:
        async with engine.connect() as connection:
            for table in ("tokens", "audit_events"):
                rows = (await connection.execute(text(f"SELECT * FROM {table}"))).all()
                assert rows
                assert made.secret not in str(rows)
    finally:
        await engine.dispose()


async def test_revoked_token_is_refused_at_once_by_every_server(guarded: Api, bench: Bench) -> None:
    """A stolen token must end everywhere, not when some cache has."""
    second = await bench.start(replace(bench.settings, users=(ADMIN,), workers=(WORKER,)))
    secret = (await make_token(guarded, "stolen", "viewer")).secret
    for api in (guarded, second):
        await api.sources.ListSources(LIST, metadata=tuple(bearer(secret)))
    request = tokens_pb2.RevokeTokenRequest(name="tokens/stolen")
    revoked = await guarded.tokens.RevokeToken(request, metadata=tuple(bearer(ADMIN)))
    assert revoked.token.HasField("revoke_time")
    for api in (guarded, second):
        with refused(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_REVOKED"):
            await api.sources.ListSources(LIST, metadata=tuple(bearer(secret)))
    again = await second.tokens.RevokeToken(request, metadata=tuple(bearer(ADMIN)))
    assert again.token.revoke_time == revoked.token.revoke_time


async def test_token_expires_by_itself(guarded: Api) -> None:
    """A token that was forgotten somewhere ends some day."""
    made = await make_token(guarded, "short", "viewer", ttl=Duration(seconds=2))
    assert made.token.expire_time.ToDatetime() - made.token.create_time.ToDatetime() == timedelta(seconds=2)
    assert (await who(guarded, made.secret)).expire_time == made.token.expire_time
    await asyncio.sleep(2.1)
    with refused(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED"):
        await who(guarded, made.secret)


async def test_id_of_a_token_is_never_used_again(guarded: Api) -> None:
    """Otherwise the audit trail would name two people by one name."""
    await make_token(guarded, "ci", "viewer")
    request = tokens_pb2.RevokeTokenRequest(name="tokens/ci")
    await guarded.tokens.RevokeToken(request, metadata=tuple(bearer(ADMIN)))
    with refused(grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS"):
        await make_token(guarded, "ci", "viewer")


async def test_tokens_are_listed_in_pages(guarded: Api) -> None:
    """Somebody has to see what there is to revoke."""
    for name in ("c", "a", "b"):
        await make_token(guarded, name, "viewer")
    names: list[str] = []
    page = ""
    while True:
        request = tokens_pb2.ListTokensRequest(page_size=2, page_token=page)
        answer = await guarded.tokens.ListTokens(request, metadata=tuple(bearer(ADMIN)))
        names += [token.name for token in answer.tokens]
        if not (page := answer.next_page_token):
            break
    assert names == ["tokens/a", "tokens/b", "tokens/c"]


@pytest.mark.parametrize(
    ("identifier", "role", "values", "reason"),
    [
        ("ci", "unspecified", {}, "INVALID_ROLE"),
        ("Not An Id", "viewer", {}, "INVALID_ID"),
        ("ci", "viewer", {"ttl": Duration(seconds=0)}, "INVALID_TTL"),
        ("ci", "viewer", {"ttl": Duration(seconds=-5)}, "INVALID_TTL"),
        ("ci", "viewer", {"ttl": Duration(seconds=10**11)}, "INVALID_TTL"),
    ],
)
async def test_token_that_makes_no_sense_is_refused(
    sqlite_bench: Bench, identifier: str, role: str, values: dict[str, Duration], reason: str
) -> None:
    """A role by mistake is a door by mistake."""
    api = await sqlite_bench.start(replace(sqlite_bench.settings, users=(ADMIN,), workers=()))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, reason):
        await make_token(api, identifier, role, **values)  # pyright: ignore[reportArgumentType]


async def test_open_stream_ends_soon_after_its_token(sqlite_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is logged out must not go on reading logs for as long as the job runs."""
    monkeypatch.setattr("towpath_server.api.guard._CHECK_AGAIN_SECONDS", 0.2)
    worker_api = await sqlite_bench.start()
    await sqlite_bench.start_worker(worker_api)
    await create_ends(worker_api)
    await connect(worker_api, stream("orders"))
    job = (await sync(worker_api)).name
    api = await sqlite_bench.start(replace(sqlite_bench.settings, users=(ADMIN,), workers=(WORKER,)))
    secret = (await make_token(api, "stolen", "viewer")).secret
    watching = api.jobs.WatchJob(jobs_pb2.WatchJobRequest(name=job), metadata=tuple(bearer(secret)))
    seen = aiter(watching)
    assert (await anext(seen)).job.name == job
    await api.tokens.RevokeToken(tokens_pb2.RevokeTokenRequest(name="tokens/stolen"), metadata=tuple(bearer(ADMIN)))
    await asyncio.sleep(0.3)
    await worker_api.jobs.CancelJob(jobs_pb2.CancelJobRequest(name=job))
    with refused(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_REVOKED"):
        async for _ in seen:
            pass


async def test_first_admin_comes_from_a_file_and_can_be_retired(sqlite_bench: Bench, tmp_path: Path) -> None:
    """From nothing to a server whose every token is in its database, and back to nobody by no accident."""
    token_file = tmp_path / "keys" / "admin.token"
    flags = (f"--token-file={token_file}", "--create-token-file")
    async with server_process(sqlite_bench, tmp_path / "first", *flags) as process:
        api = await process.start()
        secret = token_file.read_text().strip()
        assert token_file.stat().st_mode & 0o777 == 0o600
        made = await make_token(api, "root", "admin", secret=secret)
        assert await process.stop() == 0
    async with server_process(sqlite_bench, tmp_path / "second", "--auth=on") as process:
        api = await process.start()
        assert (await who(api, made.secret)).role == tokens_pb2.Token.ROLE_ADMIN
        with refused(grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"):
            await who(api, secret)
        request = tokens_pb2.RevokeTokenRequest(name="tokens/root")
        await api.tokens.RevokeToken(request, metadata=tuple(bearer(made.secret)))
        assert await process.stop() == 0
    with pytest.raises(Misconfigured, match="--create-token-file") as caught:
        await sqlite_bench.start(replace(sqlite_bench.settings, users=(), workers=()))
    assert caught.value.reason == "NO_TOKEN"
