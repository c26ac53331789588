"""TLS, against Debian's server: what is verified, and what is said when it does not verify."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from fix_postgres import Database, TlsPostgres
from source_postgres_sources import config_of, run, running_source, secure_url
from towpath_sdk.errors import Misconfigured, TowpathError

REFUSED = [
    pytest.param({"host": "127.0.0.1"}, "UNTRUSTED_CERTIFICATE", id="another name than the certificate's"),
    pytest.param({"ssl_root_certificate": "other"}, "UNTRUSTED_CERTIFICATE", id="another authority"),
    pytest.param(
        {"ssl_root_certificate": "other", "sslmode": "verify-ca", "host": "127.0.0.1"},
        "UNTRUSTED_CERTIFICATE",
        id="another authority, whatever the name",
    ),
    pytest.param({"ssl_root_certificate": "no certificate"}, "BAD_CERTIFICATE", id="not a certificate"),
    pytest.param(
        {"ssl_client_certificate": "root", "ssl_client_key": "key"}, "BAD_CERTIFICATE", id="key of another certificate"
    ),
    pytest.param({"ssl_client_certificate": "client", "ssl_client_key": "no key"}, "BAD_CERTIFICATE", id="not a key"),
]


def tls_config(tls: TlsPostgres, **changes: Any) -> dict[str, Any]:
    """Return a configuration that verifies the server fully; the words root, other, client, key stand for files."""
    files = {
        "root": tls.root_certificate,
        "other": tls.other_root_certificate,
        "client": tls.client_certificate,
        "key": tls.client_key,
    }
    settings = {
        "host": tls.host,
        "port": tls.server.port,
        "database": tls.database,
        "user": tls.server.user,
        "password": tls.server.password,
        "sslmode": "verify-full",
        "ssl_root_certificate": "root",
        **changes,
    }
    certificates = {name: value for name, value in settings.items() if name.startswith("ssl_")}
    return settings | {name: files[v].read_text() if v in files else v for name, v in certificates.items()}


def outcome(config: dict[str, Any]) -> tuple[list[tuple[str, TowpathError]], TowpathError | None]:
    """Return the failed probes of a check, and the failure of a discovery."""
    with running_source() as source:
        probes = [(result.probe, result.failure) for result in source.check(config) if result.failure]
        try:
            source.discover(config)
        except TowpathError as failure:
            return probes, failure
        return probes, None


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"sslmode": "verify-ca", "host": "127.0.0.1"},
        {"sslmode": "require", "host": "127.0.0.1", "ssl_root_certificate": None},
        {"sslmode": "require", "ssl_root_certificate": "other"},
        {"sslmode": "prefer", "ssl_root_certificate": None},
        {"user": "certified", "password": None, "ssl_client_certificate": "client", "ssl_client_key": "key"},
    ],
)
def test_trusted_server_is_reached(postgres_tls: TlsPostgres, changes: dict[str, Any]) -> None:
    """Every mode that should work does, for questions as well as for data; "require" verifies nothing, as it says."""
    assert outcome(tls_config(postgres_tls, **changes)) == ([], None)


def test_rows_travel_over_a_verified_connection(debian_database: Database, postgres_tls: TlsPostgres) -> None:
    """The data connection is another driver's than the one that asks questions, with the same certificates."""
    config = tls_config(postgres_tls, database=debian_database.name)
    with psycopg.connect(secure_url(debian_database), autocommit=True) as connection, running_source() as source:
        run(connection, "CREATE TABLE t AS SELECT 7 AS id")
        result = source.read(config, "public.t")
    assert result.rows == [{"id": 7}]


@pytest.mark.parametrize(("changes", "reason"), REFUSED)
def test_server_that_does_not_verify_is_refused(
    postgres_tls: TlsPostgres, changes: dict[str, Any], reason: str
) -> None:
    """Whatever fails here is a setting to correct, never an outage to wait for."""
    ((probe, failure),), discovery = outcome(tls_config(postgres_tls, **changes))
    assert probe == "tls"
    assert isinstance(failure, Misconfigured)
    assert failure.reason == reason
    assert isinstance(discovery, Misconfigured)
    assert discovery.reason == reason


@pytest.mark.parametrize("sslmode", ["require", "verify-full"])
def test_server_without_tls_is_refused_where_tls_is_required(
    postgres_database: Database, postgres_tls: TlsPostgres, sslmode: str
) -> None:
    """A password must not travel in clear because the server forgot its certificate."""
    root = postgres_tls.root_certificate.read_text() if sslmode == "verify-full" else None
    config = config_of(postgres_database, sslmode=sslmode, ssl_root_certificate=root)
    ((probe, failure),), discovery = outcome(config)
    assert (probe, type(failure), failure.reason) == ("tls", Misconfigured, "NO_TLS")
    assert failure.fields == {"sslmode": "the server offers no TLS"}
    assert discovery is not None
    assert discovery.reason == "NO_TLS"


def test_client_without_tls_is_told_by_the_server_that_insists_on_it(postgres_tls: TlsPostgres) -> None:
    """The server's code says that its rules refuse the login; the remedy names them."""
    ((probe, failure),), _ = outcome(tls_config(postgres_tls, sslmode="disable", ssl_root_certificate=None))
    assert (probe, failure.reason) == ("authentication", "LOGIN_REFUSED")
    assert "pg_hba.conf" in failure.message
