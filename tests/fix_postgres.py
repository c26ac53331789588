"""PostgreSQL for tests: one server a session, one database a test, and Debian's server where TLS matters."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from authority import Authority
from fix_requirements import require_debian_postgres
from towpath_local.embedded.postgres import EmbeddedPostgres

FAST_DEBIAN_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "dynamic_shared_memory_type": "mmap",  # or one that is killed leaves segments behind in /dev/shm
}
"""Data survive the death of the server, not that of the machine: enough for a test."""

FAST_SETTINGS = {**FAST_DEBIAN_SETTINGS, "scram_iterations": "1"}
"""For PostgreSQL 16 and later. Thousands of logins would hash a password four thousand times each."""


@dataclass(frozen=True)
class Database:
    """One database, and how the superuser reaches it."""

    server: EmbeddedPostgres = field(repr=False)
    name: str

    @property
    def host(self) -> str:
        """The loopback address."""
        return self.server.host

    @property
    def port(self) -> int:
        """TCP port."""
        return self.server.port

    @property
    def user(self) -> str:
        """The superuser."""
        return self.server.user

    @property
    def password(self) -> str:
        """The superuser's password."""
        return self.server.password

    @property
    def url(self) -> str:
        """URL for libpq, password included."""
        return self.server.url(self.name)

    def connect(self) -> psycopg.Connection:
        """Open an autocommit connection as the superuser."""
        return self.server.connect(self.name)


@dataclass(frozen=True)
class TlsPostgres:
    """Debian's PostgreSQL with TLS. `database` is reached over TLS only; `certified` logs in by certificate only."""

    server: EmbeddedPostgres
    database: str
    host: str
    """The name in the server's certificate. The address 127.0.0.1 is not in it, and fails `verify-full`."""

    root_certificate: Path
    other_root_certificate: Path
    """Of an authority that signed nothing here."""

    certified_user: str
    client_certificate: Path
    client_key: Path


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL 18 server for the whole session; a test that kills or configures a server starts its own."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), settings=FAST_SETTINGS) as server:
        yield server


@pytest.fixture
def postgres_database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """An empty database that is dropped after the test."""
    database = Database(postgres, f"test_{uuid.uuid4().hex[:12]}")
    postgres.create_database(database.name)
    yield database
    postgres.drop_database(database.name)


@pytest.fixture(scope="session")
def postgres_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsPostgres]:
    """Debian's PostgreSQL, with certificates made for this session."""
    programs = require_debian_postgres()
    directory = tmp_path_factory.mktemp("postgres_tls")
    authority = Authority("Towpath tests")
    root = authority.write_certificate(directory / "root.crt")
    other_root = Authority("Somebody else").write_certificate(directory / "other_root.crt")
    certificate, key = authority.issue(directory / "server", "localhost", server=True)
    client_certificate, client_key = authority.issue(directory / "client", "certified", server=False)
    rules = directory / "pg_hba.conf"
    rules.write_text(
        "hostssl all       certified  127.0.0.1/32  cert\n"
        "hostssl all       all        127.0.0.1/32  scram-sha-256\n"
        "host    postgres  towpath    127.0.0.1/32  scram-sha-256\n"
    )
    readable = [rules, root, certificate, key]
    settings = {
        **FAST_DEBIAN_SETTINGS,
        "ssl": "on",
        "ssl_ca_file": str(root),
        "ssl_cert_file": str(certificate),
        "ssl_key_file": str(key),
        "hba_file": str(rules),
    }
    with EmbeddedPostgres(directory / "server", programs=programs, settings=settings, readable=readable) as server:
        server.create_database("secure")
        with server.connect() as connection:
            connection.execute("CREATE ROLE certified LOGIN")
        yield TlsPostgres(
            server=server,
            database="secure",
            host="localhost",
            root_certificate=root,
            other_root_certificate=other_root,
            certified_user="certified",
            client_certificate=client_certificate,
            client_key=client_key,
        )
