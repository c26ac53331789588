"""Why a connection could not be had: asked of the network, of TLS, and of the server's own code."""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Mapping
from typing import Any, cast

from psycopg import Error, pq
from psycopg.conninfo import make_conninfo
from towpath_sdk.errors import Denied, TowpathError, Unavailable

from towpath_source_postgres.config import PostgresConfig
from towpath_source_postgres.failures import failure_of_sqlstate
from towpath_source_postgres.identifiers import quoted
from towpath_source_postgres.reachability import reach, secure

__all__ = ["startup_sqlstate", "why_refused"]

_ERROR_RESPONSE = re.compile(rb'\tErrorResponse\t.*? C "([0-9A-Z]{5})" M "(.*?)" [A-Z] "')
_LONGEST_TRACE = 1 << 20
_MISSING_PRIVILEGE = "42501"
_NO_PASSWORD = ("28P01", "a password is needed, and the configuration has none")
"""libpq ends the login here by itself: there is no answer of the server."""


def why_refused(config: PostgresConfig, parameters: Mapping[str, str], error: Exception) -> TowpathError:
    """Return the failure behind an `error` of connecting with libpq's `parameters`."""
    try:
        reach(config).close()
        secure(config, parameters)
    except TowpathError as failure:
        return failure
    answer = startup_sqlstate(parameters)
    if answer is None:
        return Unavailable(
            f"the server at {config.host}:{config.port} did not let us in: {error}", reason="CONNECTION_FAILED"
        )
    sqlstate, message = answer
    if sqlstate == _MISSING_PRIVILEGE:
        statement = f"GRANT CONNECT ON DATABASE {quoted(config.database)} TO {quoted(config.user)}"
        return Denied(f"PostgreSQL says: {message} (SQLSTATE {sqlstate}); {statement}", reason="CONNECT_DENIED")
    return failure_of_sqlstate(sqlstate, message)


def startup_sqlstate(parameters: Mapping[str, str]) -> tuple[str, str] | None:
    """Connect once more and return SQLSTATE and message of the server's refusal, or None when it did not refuse.

    libpq hands out no SQLSTATE for a refused login, only prose. Its protocol trace has the code: the connection is
    traced into memory, which is gone with this call.
    """
    deadline = time.monotonic() + float(parameters.get("connect_timeout", "10"))
    conninfo = make_conninfo(**cast("dict[str, Any]", dict(parameters)))
    trace = os.memfd_create("libpq-trace", os.MFD_CLOEXEC)
    try:
        connection = pq.PGconn.connect_start(conninfo.encode())
        try:
            _trace_login(connection, trace, deadline)
            if connection.needs_password:
                return _NO_PASSWORD
        finally:
            connection.finish()
        os.lseek(trace, 0, os.SEEK_SET)
        found = _ERROR_RESPONSE.search(os.read(trace, _LONGEST_TRACE))
    except Error:
        return None
    finally:
        os.close(trace)
    return (found[1].decode(), found[2].decode(errors="replace")) if found else None


def _trace_login(connection: pq.abc.PGconn, trace: int, deadline: float) -> None:
    connection.trace(trace)
    while time.monotonic() < deadline:
        status = connection.connect_poll()
        if status in (pq.PollingStatus.OK, pq.PollingStatus.FAILED):
            break
        reading = [connection.socket] if status == pq.PollingStatus.READING else []
        writing = [connection.socket] if status == pq.PollingStatus.WRITING else []
        select.select(reading, writing, [], 1.0)
    connection.untrace()
