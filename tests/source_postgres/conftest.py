"""A role of few rights, and servers of other versions than the one that all tests share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from fix_postgres import FAST_SETTINGS, Database, TlsPostgres
from source_postgres_sources import run, temporary_database
from towpath_local.embedded.postgres import EmbeddedPostgres


@pytest.fixture
def reader(postgres_database: Database) -> Iterator[str]:
    """A role that may log in and nothing else; its password is `secret of` and its name."""
    name = f"reader_{uuid.uuid4().hex[:12]}"
    with postgres_database.connect() as connection:
        run(connection, f"CREATE ROLE {name} LOGIN PASSWORD 'secret of {name}'")
        yield name
        run(connection, f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture(scope="session")
def postgres_16(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL 16 server for the whole session."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres_16"), version=16, settings=FAST_SETTINGS) as server:
        yield server


@pytest.fixture
def postgres_16_database(postgres_16: EmbeddedPostgres) -> Iterator[Database]:
    """An empty database of PostgreSQL 16."""
    with temporary_database(postgres_16) as database:
        yield database


@pytest.fixture
def debian_database(postgres_tls: TlsPostgres) -> Iterator[Database]:
    """An empty database of Debian's PostgreSQL, which has contrib modules and libxml; it is reached over TLS only."""
    with temporary_database(postgres_tls.server) as database:
        yield database
