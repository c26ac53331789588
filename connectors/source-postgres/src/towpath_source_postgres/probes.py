"""The check: one probe for each thing that can be wrong, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from towpath_sdk import Probe
from towpath_sdk.errors import Denied, Misconfigured, TowpathError

from towpath_source_postgres.catalog import list_relations
from towpath_source_postgres.config import PostgresConfig
from towpath_source_postgres.identifiers import quoted
from towpath_source_postgres.reachability import reach, secure
from towpath_source_postgres.relations import Relation
from towpath_source_postgres.sessions import connection_parameters, open_session

__all__ = ["probes"]

_OLDEST_VERSION = 140000
_MOST_TABLES = 50
"""Tables that get a probe of their own; what is wrong with more of them is said in one."""
_AFTER_LOGIN = frozenset({"NO_SUCH_DATABASE", "CONNECT_DENIED"})
"""Refusals that come once the server knows who asks."""


def probes(config: PostgresConfig) -> Iterator[Probe]:
    """Yield the probes in the order in which each makes sense; the last ones are of tables, and not essential."""
    yield Probe("network", lambda: reach(config).close())
    yield Probe("tls", lambda: _tls(config))
    yield Probe("authentication", lambda: _authentication(config))
    yield Probe("database", lambda: _database(config))
    yield Probe("version", lambda: _version(config))
    yield Probe("schemas", lambda: _schemas(config))
    relations: list[Relation] = []
    yield Probe("permissions.select", lambda: _any_readable(config, relations))
    yield Probe("special_values", lambda: _special_values(config, relations), essential=False)
    yield from _tables(config, relations)


def _tls(config: PostgresConfig) -> None:
    with connection_parameters(config) as parameters:
        secure(config, parameters)


def _authentication(config: PostgresConfig) -> None:
    try:
        _database(config)
    except TowpathError as refusal:
        if refusal.reason not in _AFTER_LOGIN:
            raise


def _database(config: PostgresConfig) -> None:
    with open_session(config):
        pass


def _version(config: PostgresConfig) -> None:
    with open_session(config) as connection:
        version = connection.info.server_version
    if version < _OLDEST_VERSION:
        raise Misconfigured(
            f"the server is PostgreSQL {version // 10000}; this source needs 14 or newer", reason="SERVER_TOO_OLD"
        )


def _schemas(config: PostgresConfig) -> None:
    with open_session(config, doing="looking for the schemas") as connection:
        rows = connection.execute(
            "SELECT wanted, n.oid IS NOT NULL, coalesce(has_schema_privilege(n.oid, 'USAGE'), false) "
            "FROM unnest(%s::text[]) wanted LEFT JOIN pg_namespace n ON n.nspname = wanted",
            [list(config.schemas)],
        ).fetchall()
    absent = [name for name, exists, _ in rows if not exists]
    if absent:
        raise Misconfigured(
            f"there is no schema {', '.join(absent)}; check the names",
            reason="NO_SUCH_SCHEMA",
            fields={"schemas": f"unknown: {', '.join(absent)}"},
        )
    closed = [name for name, _, usable in rows if not usable]
    if closed:
        statement = f"GRANT USAGE ON SCHEMA {', '.join(map(quoted, closed))} TO {quoted(config.user)}"
        raise Denied(
            f"role {config.user} lacks USAGE on schema {', '.join(closed)}; {statement}", reason="MISSING_PRIVILEGE"
        )


def _any_readable(config: PostgresConfig, relations: list[Relation]) -> None:
    """Fill `relations`. Raises Denied when there are some and none can be read."""
    with open_session(config, doing="reading the catalog") as connection:
        relations += list_relations(connection, config)
    if relations and all(relation.obstacle(config.user) for relation in relations):
        schemas = sorted({relation.name.namespace for relation in relations})
        shown = ", ".join(map(quoted, schemas[:_MOST_TABLES]))
        raise Denied(
            f"role {config.user} can read none of {len(relations)} tables and views; "
            f"GRANT USAGE ON SCHEMA {shown} TO {quoted(config.user)}, and "
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {shown} TO {quoted(config.user)}",
            reason="MISSING_PRIVILEGE",
        )


def _special_values(config: PostgresConfig, relations: list[Relation]) -> None:
    columns = {f"{relation.name}.{column.name}" for relation in relations for column in relation.columns}
    unknown = sorted(set(config.special_values_by_column) - columns)
    if unknown:
        raise Misconfigured(
            f"special_values_by_column names columns that there are not: {', '.join(unknown)}; "
            "write each as schema.table.column",
            reason="UNKNOWN_COLUMN",
            fields={f"special_values_by_column.{name}": "no such readable column" for name in unknown},
        )


def _tables(config: PostgresConfig, relations: list[Relation]) -> Iterator[Probe]:
    """Yield a failing probe for each relation that cannot be read; those that can are many, and need no word."""
    obstacles = [(relation, relation.obstacle(config.user)) for relation in relations]
    failing = [(relation, obstacle) for relation, obstacle in obstacles if obstacle is not None]
    for relation, obstacle in failing[:_MOST_TABLES]:
        yield Probe(f"permissions.select.{relation.name}", _raising(obstacle), essential=False)
    if len(failing) > _MOST_TABLES:
        others = Denied(
            f"role {config.user} cannot read {len(failing) - _MOST_TABLES} more tables and views",
            reason="MISSING_PRIVILEGE",
        )
        yield Probe("permissions.select.others", _raising(others), essential=False)


def _raising(failure: TowpathError) -> Callable[[], None]:
    def run() -> None:
        raise failure

    return run
