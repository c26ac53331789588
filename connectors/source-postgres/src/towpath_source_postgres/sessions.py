"""Connections to the server: for questions (psycopg) and for data (ADBC), with the same settings.

Every session is read-only, in repeatable read, in UTC, with ISO dates and an empty search path, so that what a
statement means does not depend on the role or the server it meets. Secrets stay in this process: certificates are
written to a private folder that goes as soon as the session is open, the password travels in memory only.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
import psycopg
from towpath_sdk.errors import Misconfigured, Unavailable

from towpath_source_postgres.config import PostgresConfig, SslMode
from towpath_source_postgres.failures import translated
from towpath_source_postgres.refusals import why_refused

__all__ = ["connection_parameters", "execute", "open_data_session", "open_session"]

_HAS_TRANSACTION_TIMEOUT = 170000
_DRIVER_OPTIONS = {"adbc.postgresql.type_resolver_mode": "builtin"}
"""Without it the driver reads all of pg_type on connecting; we cast everything to built-in types."""


def session_settings(config: PostgresConfig, server_version: int = 0) -> Mapping[str, str]:
    """Server settings of every session; those that only some versions know are left out unless the version is known."""
    settings = {
        "statement_timeout": f"{config.statement_timeout_seconds}s",
        "lock_timeout": f"{config.lock_timeout_seconds}s",
        "idle_in_transaction_session_timeout": "0",
        "default_transaction_read_only": "on",
        "default_transaction_isolation": "repeatable read",
        "TimeZone": "UTC",
        "DateStyle": "ISO,YMD",
        "IntervalStyle": "postgres",
        "bytea_output": "hex",
        "extra_float_digits": "1",
        "search_path": "pg_catalog",
        "row_security": "off",
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
    }
    if server_version >= _HAS_TRANSACTION_TIMEOUT:
        settings["transaction_timeout"] = "0"
    return settings


@contextlib.contextmanager
def connection_parameters(config: PostgresConfig, server_version: int = 0) -> Generator[dict[str, str]]:
    """Yield libpq's parameters; the certificate files among them live as long as the block."""
    settings = session_settings(config, server_version)
    parameters = {
        "host": config.host,
        "port": str(config.port),
        "dbname": config.database,
        "user": config.user,
        "sslmode": config.sslmode.value,
        "application_name": config.application_name,
        "connect_timeout": str(config.connect_timeout_seconds),
        "keepalives_idle": "30",
        "tcp_user_timeout": "120000",
        "client_encoding": "UTF8",
        "gssencmode": "disable",
        "passfile": os.devnull,
        "options": " ".join("-c {}={}".format(name, value.replace(" ", r"\ ")) for name, value in settings.items()),
    }
    if config.password is not None:
        parameters["password"] = config.password.get_secret_value()
    with tempfile.TemporaryDirectory(prefix="towpath-tls-") as folder:
        yield parameters | _certificate_files(config, Path(folder))


@contextlib.contextmanager
def open_session(config: PostgresConfig, *, doing: str = "connecting") -> Generator[psycopg.Connection]:
    """Yield an autocommit connection for questions, closed afterwards.

    Raises what stands in the way of a connection as the kind that it is. `doing` names what the questions are for.
    """
    with connection_parameters(config) as parameters:
        try:
            connection = psycopg.connect(**cast("dict[str, Any]", parameters), autocommit=True)
        except (psycopg.Error, UnicodeError) as error:  # the latter for a host that can be no name
            raise why_refused(config, parameters, error) from None
    try:
        with translated(doing):
            yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def open_data_session(config: PostgresConfig, snapshot: str, server_version: int) -> Generator[adbc.Connection]:
    """Yield an ADBC connection inside one read-only transaction under an exported snapshot."""
    with connection_parameters(config, server_version) as parameters:
        try:
            connection = cast("Any", adbc).connect(_uri(parameters), db_kwargs=_DRIVER_OPTIONS)
        except adbc_driver_manager.Error as error:
            raise why_refused(config, parameters, error) from None
    try:
        _import(connection, snapshot)
        yield connection
    finally:
        connection.close()


def _import(session: adbc.Connection, snapshot: str) -> None:
    """Begin to see what the exported snapshot sees; it is gone when the session that keeps it was ended meanwhile."""
    try:
        execute(session, f"SET TRANSACTION SNAPSHOT '{snapshot}'", "importing a snapshot")
    except Misconfigured as error:
        if error.reason != "REJECTED_STATEMENT":
            raise
        raise Unavailable(
            "the session that keeps the snapshot has ended, and the read is tried again; if that goes on, there is a"
            " connection pooler in between: connect to the server itself",
            reason="SERVER_STOPPED_SESSION",
        ) from error


def execute(session: adbc.Connection, statement: str, doing: str) -> None:
    """Run a statement of ours that returns nothing; such statements cannot be wrapped into a COPY."""
    with session.cursor() as cursor, translated(doing):
        plain: Any = cursor.adbc_statement
        plain.set_options(**{"adbc.postgresql.use_copy": "false"})
        plain.set_sql_query(statement)
        plain.execute_update()


def _uri(parameters: Mapping[str, str]) -> str:
    user, password = quote(parameters["user"], safe=""), quote(parameters.get("password", ""), safe="")
    named = "&".join(
        f"{name}={quote(value, safe='')}"
        for name, value in parameters.items()
        if name not in {"user", "password", "dbname"}
    )
    return f"postgresql://{user}:{password}@/{quote(parameters['dbname'], safe='')}?{named}"


def _certificate_files(config: PostgresConfig, folder: Path) -> dict[str, str]:
    """Write what the configuration gives, and return libpq's three file parameters.

    Those that are not given name absent files, or libpq would look below the home directory. The root certificate is
    only given to modes that verify: libpq verifies in the mode "require" as soon as there is one.
    """
    verifying = config.sslmode in (SslMode.VERIFY_CA, SslMode.VERIFY_FULL)
    texts = {
        "sslrootcert": config.ssl_root_certificate if verifying else None,
        "sslcert": config.ssl_client_certificate,
        "sslkey": config.ssl_client_key.get_secret_value() if config.ssl_client_key else None,
    }
    for name, text in texts.items():
        if text is not None:
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(text)
    return {name: str(folder / name) for name in texts}
