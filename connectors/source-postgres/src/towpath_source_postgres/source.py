"""The source: four questions, each answered by a file of its own.

Where a row comes from: `copying.py` reads it by binary COPY, under a snapshot (`snapshot.py`) or beyond a cursor
(`incremental.py`). When it may be forgotten: the source holds nothing upstream; a checkpoint (`state.py`) only says
where to continue. How it is typed: `types.py` decides by column, `columns.py` converts what arrives. What goes wrong:
`failures.py` knows by the server's code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar

from towpath_sdk import Context, Probe, ReadMode, ReadStream, Record, Source, Stream
from towpath_sdk.errors import Misconfigured

from towpath_source_postgres.catalog import find_relation, list_relations
from towpath_source_postgres.columns import Delivery
from towpath_source_postgres.config import PostgresConfig
from towpath_source_postgres.incremental import read_incremental
from towpath_source_postgres.keepers import Keepers
from towpath_source_postgres.probes import probes
from towpath_source_postgres.relations import Relation
from towpath_source_postgres.sessions import open_session
from towpath_source_postgres.snapshot import read_snapshot
from towpath_source_postgres.state import parse_position

__all__ = ["PostgresSource"]


class PostgresSource(Source[PostgresConfig]):
    """Tables, views, materialized views, partitioned and foreign tables of one PostgreSQL database."""

    connector_id: ClassVar[str] = "io.towpath.source-postgres"
    version: ClassVar[str] = "0.1.0"
    title: ClassVar[str] = "PostgreSQL"
    deterministic_replay: ClassVar[bool] = False

    def __init__(self) -> None:
        """Hold no connection; snapshots of interrupted reads wait here for a while."""
        self._keepers = Keepers()

    def check(self, config: PostgresConfig) -> Iterable[Probe]:
        """Try network, TLS, login, database, version and privileges, in this order."""
        return probes(config)

    def discover(self, config: PostgresConfig) -> Iterable[Stream]:
        """Yield every relation of the configured schemas that the role can read, by name."""
        with open_session(config, doing="reading the catalog") as connection:
            relations = list_relations(connection, config)
        return (relation.stream() for relation in relations if relation.obstacle(config.user) is None)

    def read(self, config: PostgresConfig, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Yield one relation's rows: all of them, or those beyond the cursor."""
        if stream.mode is ReadMode.CHANGES:
            raise Misconfigured(
                f"{stream.name} cannot be read as a log of changes; choose snapshot or incremental",
                reason="UNSUPPORTED_READ_MODE",
            )
        position = parse_position(stream.state, stream.state_version)
        relation = _look_up(config, stream, context)
        delivery = Delivery(str(relation.name), relation.chosen(stream.columns))
        # Announced before anything is read, so that an empty table has a schema and its key is known.
        yield replace(relation.stream(), schema=delivery.schema)
        try:
            if stream.mode is ReadMode.INCREMENTAL:
                records = read_incremental(config, relation, delivery, stream.cursor_column, position, context)
            else:
                records = read_snapshot(config, relation, delivery, position, self._keepers, context)
            yield from records
        finally:
            _report_nulled(delivery, context)


def _look_up(config: PostgresConfig, stream: ReadStream, context: Context) -> Relation:
    """Find the stream's relation. Raises the obstacle, such as a missing privilege, when it cannot be read."""
    with (
        open_session(config, doing=f"looking up {stream.name}") as connection,
        context.on_cancel(connection.cancel),
    ):
        relation = find_relation(connection, config, stream.name)
    obstacle = relation.obstacle(config.user)
    if obstacle is not None:
        raise obstacle
    return relation


def _report_nulled(delivery: Delivery, context: Context) -> None:
    for column, count in delivery.nulled.items():
        context.log(
            "warning",
            "values that their type cannot hold were delivered as NULL",
            stream=delivery.table,
            column=column,
            values=count,
        )
