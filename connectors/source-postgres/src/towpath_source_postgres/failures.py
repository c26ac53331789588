"""PostgreSQL's failures in Towpath's kinds, told apart by SQLSTATE and never by their words.

Source: PostgreSQL manual, appendix "PostgreSQL Error Codes".
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping

import adbc_driver_manager
import psycopg
from towpath_sdk.errors import (
    BadRecord,
    Bug,
    Conflict,
    Denied,
    Misconfigured,
    NotFound,
    TowpathError,
    Unavailable,
)

__all__ = ["failure_of_sqlstate", "translated"]

# Exact codes first; then the class, the first two characters.
RULES: Mapping[str, tuple[type[TowpathError], str, str]] = {
    "25P03": (Unavailable, "SESSION_TIMEOUT", "raise idle_in_transaction_session_timeout for the role"),
    "25P04": (Misconfigured, "TRANSACTION_TIMEOUT", "raise transaction_timeout for the role"),
    "28P01": (Denied, "INVALID_PASSWORD", "check user and password"),
    "3D000": (Misconfigured, "NO_SUCH_DATABASE", "check the name of the database"),
    "3F000": (Misconfigured, "NO_SUCH_SCHEMA", "check the name of the schema"),
    "42501": (
        Denied,
        "MISSING_PRIVILEGE",
        "GRANT SELECT on the table and USAGE on its schema to the role, and BYPASSRLS where row-level security applies",
    ),
    "42P01": (NotFound, "NO_SUCH_TABLE", "discover the source again and update the connection"),
    "42703": (Misconfigured, "UNKNOWN_COLUMN", "discover the source again and update the connection"),
    "53300": (Unavailable, "TOO_MANY_CONNECTIONS", "free a connection or raise max_connections"),
    "55P03": (Unavailable, "LOCKED", "another session holds a lock on the table; it is tried again"),
    "57014": (
        Unavailable,
        "STATEMENT_CANCELLED",
        "raise statement_timeout_seconds if it ran into that; otherwise somebody cancelled it",
    ),
    "57P03": (Unavailable, "SERVER_STARTING", "the server does not accept connections yet; it is tried again"),
    "XX001": (BadRecord, "DATA_CORRUPTED", "the table is damaged on disk; restore it"),
    "XX002": (BadRecord, "DATA_CORRUPTED", "an index is damaged on disk; REINDEX the table"),
    "08": (Unavailable, "CONNECTION_LOST", "the connection broke; it is tried again"),
    "0A": (Misconfigured, "NOT_SUPPORTED", "the server cannot read this relation"),
    "22": (BadRecord, "UNREADABLE_VALUE", "a stored value cannot be converted, or a view fails on it"),
    "25": (Bug, "TRANSACTION_STATE", "report this to the connector's authors"),
    "28": (Denied, "LOGIN_REFUSED", "check user, password and the server's pg_hba.conf"),
    "40": (Unavailable, "CONFLICT", "the server cancelled the read; it is tried again"),
    "42": (Misconfigured, "REJECTED_STATEMENT", "discover the source again and update the connection"),
    "53": (Unavailable, "OUT_OF_RESOURCES", "the server lacks memory, disk or connections"),
    "54": (Misconfigured, "BEYOND_SERVER_LIMIT", "select fewer columns"),
    "55": (Conflict, "NOT_READY", "a materialized view without data has to be refreshed first"),
    "57": (Unavailable, "SERVER_STOPPED_SESSION", "the server ended the session; it is tried again"),
    "58": (Unavailable, "SERVER_SYSTEM_ERROR", "look at the server's log"),
    "HV": (Unavailable, "FOREIGN_SERVER_FAILED", "look at the foreign server"),
    "P0": (BadRecord, "UNREADABLE_VALUE", "a function of the view failed"),
    "XX": (Unavailable, "SERVER_INTERNAL_ERROR", "look at the server's log"),
}


def failure_of_sqlstate(sqlstate: str, message: str) -> TowpathError:
    """Return the failure for a five-character SQLSTATE; `message` is the server's text, shown to the user."""
    kind, reason, remedy = (
        RULES.get(sqlstate) or RULES.get(sqlstate[:2]) or (Bug, "UNEXPECTED_SQLSTATE", "report this to the authors")
    )
    return kind(f"PostgreSQL says: {message.strip()} (SQLSTATE {sqlstate}); {remedy}", reason=reason)


@contextlib.contextmanager
def translated(doing: str) -> Generator[None]:
    """Raise the drivers' errors as Towpath's; `doing` says what failed, such as "reading public.orders"."""
    try:
        yield
    except psycopg.Error as error:
        raise _failure(error.sqlstate, error.diag.message_primary, doing, error) from error
    except adbc_driver_manager.Error as error:
        raise _failure(error.sqlstate, _primary_message(error), doing, error) from error
    except OSError as error:
        raise _failure(None, None, doing, error) from error


def _failure(sqlstate: str | None, message: str | None, doing: str, error: Exception) -> TowpathError:
    code = (sqlstate or "").strip("\0 ")
    if code and code != "00000":
        return failure_of_sqlstate(code, f"{message or 'nothing more'} while {doing}")
    return Unavailable(f"the connection to PostgreSQL failed while {doing}: {error}", reason="CONNECTION_LOST")


def _primary_message(error: adbc_driver_manager.Error) -> str | None:
    """The server's words, for people; an error's text repeats the statement, but a late error has nothing else."""
    for name, value in error.details:
        if name == "PG_DIAG_MESSAGE_PRIMARY":
            return value.decode(errors="replace")
    return str(error).split("\n", 1)[0].rpartition(":  ")[2]
