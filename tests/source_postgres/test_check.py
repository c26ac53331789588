"""The check: each thing that can be wrong has its own probe, its own reason, and a remedy that works."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from fix_postgres import Database
from source_postgres_sources import config_of, run, running_source
from towpath_local.embedded.ports import free_port
from towpath_sdk.errors import Denied, Misconfigured, TowpathError, Unavailable


def failures(config: dict[str, Any]) -> dict[str, TowpathError]:
    """Run the check and return the probes that failed."""
    with running_source() as source:
        return {result.probe: result.failure for result in source.check(config) if result.failure is not None}


def only_failure(config: dict[str, Any]) -> tuple[str, TowpathError]:
    """Run the check and return the one probe that failed."""
    ((probe, failure),) = failures(config).items()
    return probe, failure


def read_failure(config: dict[str, Any]) -> TowpathError:
    """Read a table and return what came of it."""
    with running_source() as source:
        failure = source.read(config, "public.t", may_fail=True).failure
    assert failure is not None
    return failure


def described(failure: TowpathError) -> tuple[type[TowpathError], str]:
    return type(failure), failure.reason


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70 + ".invalid"])
def test_unknown_host_is_a_wrong_setting_and_not_retried(postgres_database: Database, host: str) -> None:
    """A typing mistake in the host must not look like an outage that will pass."""
    config = config_of(postgres_database, host=host)
    probe, failure = only_failure(config)
    assert (probe, *described(failure)) == ("network", Misconfigured, "UNKNOWN_HOST")
    assert failure.fields == {"host": "cannot be resolved"}
    assert described(read_failure(config)) == (Misconfigured, "UNKNOWN_HOST")


def test_closed_port_is_an_outage(postgres_database: Database) -> None:
    """A server that is restarted comes back: retry."""
    config = config_of(postgres_database, port=free_port())
    probe, failure = only_failure(config)
    assert (probe, *described(failure)) == ("network", Unavailable, "CONNECTION_REFUSED")
    assert described(read_failure(config)) == (Unavailable, "CONNECTION_REFUSED")


@pytest.mark.parametrize(
    "wrong", [{"password": "not-the-password"}, {"user": "nobody_of_that_name"}, {"password": None}]
)
def test_wrong_credentials_are_denied(postgres_database: Database, wrong: dict[str, str | None]) -> None:
    """Libpq says it only in prose; the server's code says whose problem it is."""
    config = config_of(postgres_database, **wrong)
    probe, failure = only_failure(config)
    assert probe == "authentication"
    read = read_failure(config)
    assert described(failure) == described(read) == (Denied, "INVALID_PASSWORD")
    assert "28P01" in failure.message
    assert postgres_database.password not in failure.message
    assert "not-the-password" not in failure.message


def test_missing_database_is_told_apart_from_a_wrong_login(postgres_database: Database) -> None:
    """The login was right; only the name of the database is wrong."""
    config = config_of(postgres_database, database="no such database")
    probe, failure = only_failure(config)
    assert (probe, *described(failure)) == ("database", Misconfigured, "NO_SUCH_DATABASE")
    assert described(read_failure(config)) == (Misconfigured, "NO_SUCH_DATABASE")


def test_missing_connect_privilege_is_cured_by_the_statement_that_is_shown(
    postgres_database: Database, reader: str
) -> None:
    """The remedy is a statement to copy, so it had better be right."""
    config = config_of(postgres_database, user=reader, password=f"secret of {reader}")
    with postgres_database.connect() as connection:
        run(connection, f'REVOKE CONNECT ON DATABASE "{postgres_database.name}" FROM PUBLIC')
        probe, failure = only_failure(config)
        assert (probe, *described(failure)) == ("database", Denied, "CONNECT_DENIED")
        run(connection, _statement(failure))
    assert failures(config) == {}


def test_missing_schema_is_named(postgres_database: Database) -> None:
    """A schema that is not there would otherwise look like an empty database."""
    probe, failure = only_failure(config_of(postgres_database, schemas=["public", "no_such"]))
    assert (probe, *described(failure)) == ("schemas", Misconfigured, "NO_SUCH_SCHEMA")
    assert failure.fields == {"schemas": "unknown: no_such"}


def test_missing_usage_of_a_schema_is_cured_by_the_statement_that_is_shown(
    postgres_database: Database, reader: str
) -> None:
    """SELECT on a table is worth nothing without USAGE on its schema."""
    config = config_of(postgres_database, user=reader, password=f"secret of {reader}", schemas=["Closed Room"])
    with postgres_database.connect() as connection:
        run(
            connection,
            f'CREATE SCHEMA "Closed Room"; CREATE TABLE "Closed Room".t (); GRANT SELECT ON ALL TABLES IN'
            f' SCHEMA "Closed Room" TO {reader}; ALTER TABLE "Closed Room".t ADD id int',
        )
        probe, failure = only_failure(config)
        assert (probe, *described(failure)) == ("schemas", Denied, "MISSING_PRIVILEGE")
        run(connection, _statement(failure))
    assert failures(config) == {}


def test_each_table_that_cannot_be_read_has_its_own_probe_and_cure(postgres_database: Database, reader: str) -> None:
    """One table out of many is the usual case, and the user has to know which."""
    config = config_of(postgres_database, user=reader, password=f"secret of {reader}")
    with postgres_database.connect() as connection:
        run(
            connection,
            'CREATE TABLE open (id int); CREATE TABLE shut (id int); CREATE VIEW "Shut View" AS SELECT 1 AS x',
        )
        run(connection, f"GRANT SELECT ON open TO {reader}")
        found = failures(config)
        assert {probe: described(failure) for probe, failure in found.items()} == {
            "permissions.select.public.Shut View": (Denied, "MISSING_PRIVILEGE"),
            "permissions.select.public.shut": (Denied, "MISSING_PRIVILEGE"),
        }
        for failure in found.values():
            run(connection, _statement(failure))
    assert failures(config) == {}


def test_role_that_can_read_nothing_fails_the_essential_probe(postgres_database: Database, reader: str) -> None:
    """A source that would offer no stream at all is not ready."""
    with postgres_database.connect() as connection:
        run(connection, "CREATE TABLE a (id int); CREATE TABLE b (id int)")
    probe, failure = only_failure(config_of(postgres_database, user=reader, password=f"secret of {reader}"))
    assert (probe, *described(failure)) == ("permissions.select", Denied, "MISSING_PRIVILEGE")


def test_many_unreadable_tables_are_summed_up(postgres_database: Database, reader: str) -> None:
    """Ten thousand probes would bury what matters."""
    with postgres_database.connect() as connection:
        run(connection, f"CREATE TABLE open (id int); GRANT SELECT ON open TO {reader}")
        run(connection, ";".join(f"CREATE TABLE shut_{n:03} (id int)" for n in range(60)))
    found = failures(config_of(postgres_database, user=reader, password=f"secret of {reader}"))
    assert len(found) == 51
    assert "10 more" in found["permissions.select.others"].message


def test_row_level_security_is_reported(postgres_database: Database, reader: str) -> None:
    """PostgreSQL would hide rows in silence; a sync that loses them is worse than one that stops."""
    config = config_of(postgres_database, user=reader, password=f"secret of {reader}")
    with postgres_database.connect() as connection:
        run(
            connection,
            f"CREATE TABLE t (id int); GRANT SELECT ON t TO {reader}; CREATE TABLE u AS SELECT 1 AS id;"
            f"GRANT SELECT ON u TO {reader}; ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        )
        probe, failure = only_failure(config)
        assert (probe, *described(failure)) == ("permissions.select.public.t", Denied, "ROW_LEVEL_SECURITY")
        assert described(read_failure(config)) == (Denied, "ROW_LEVEL_SECURITY")
        run(connection, f"ALTER ROLE {reader} BYPASSRLS")
    assert failures(config) == {}


def test_mistyped_column_of_a_policy_is_found(postgres_database: Database) -> None:
    """A policy that names nothing would leave the stream to fail in the night."""
    with postgres_database.connect() as connection:
        run(connection, "CREATE TABLE t (price numeric(10,2))")
    policies = {"public.t.price": "null", "public.t.prize": "null"}
    probe, failure = only_failure(config_of(postgres_database, special_values_by_column=policies))
    assert (probe, *described(failure)) == ("special_values", Misconfigured, "UNKNOWN_COLUMN")
    assert list(failure.fields) == ["special_values_by_column.public.t.prize"]


def test_nothing_is_left_open_after_a_check(postgres_database: Database) -> None:
    """A check may run every minute; connections are scarce."""
    failures(config_of(postgres_database, application_name="towpath check"))
    left = "SELECT pid FROM pg_stat_activity WHERE application_name = 'towpath check'"
    with postgres_database.connect() as connection:
        deadline = time.monotonic() + 5  # a server process takes its time to notice that its client has hung up
        while run(connection, left) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert run(connection, left) == []


def _statement(failure: TowpathError) -> str:
    """The SQL that a failure advises to run."""
    found = re.search(r"; (GRANT .*|ALTER .*)$", failure.message)
    assert found is not None
    return found[1]
