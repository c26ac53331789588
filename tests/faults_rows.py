"""The tables of the fault tests, how they grow, and what each run of their connection has to deliver, by SQL."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from fix_postgres import Database
from psycopg import sql
from towpath.connector.v1.types_pb2 import (
    READ_MODE_INCREMENTAL,
    READ_MODE_SNAPSHOT,
    WRITE_MODE_APPEND,
    WRITE_MODE_OVERWRITE,
    StreamName,
)
from towpath.control.v1.connections_pb2 import Connection, ConnectionSettings, ConnectionStream

__all__ = ["APPENDED", "COLUMNS", "INCREMENT", "OVERWRITTEN", "SCHEMA", "STREAMS", "Rows", "Tables", "often_committed"]

Rows = pa.Table
"""Rows in any order, with the columns that SCHEMA says: comparing them in Python would cost more than all the rest."""

OVERWRITTEN, APPENDED, INCREMENT = "orders", "readings", "changes"
"""A snapshot that replaces, read by its key; one that is added, without a key; and what is new by a cursor."""

STREAMS = (OVERWRITTEN, APPENDED, INCREMENT)
SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "version": pa.int64(),
        "amount": pa.decimal128(12, 2),
        "at": pa.timestamp("us", "UTC"),
        "note": pa.string(),
        "photo": pa.binary(),
    }
)
COLUMNS = tuple(SCHEMA.names)

_ROWS = 4_000
_MORE = 200
"""Enough for some fifty requests to S3 and several commits of each stream: a round is mostly starts and recovery."""

_INSERT = """
INSERT INTO {table} (id, amount, at, note, photo)
SELECT n, (n * 7919 %% 1000003)::numeric / 100, '2024-02-29 12:00+00'::timestamptz + n * interval '1.000001 s',
       CASE n %% 10 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE repeat(md5(n::text), 32) END,
       decode(md5((n * 31)::text), 'hex')
  FROM generate_series(%s::bigint, %s::bigint) AS n
"""
_ANALYZE = f"ANALYZE {', '.join(STREAMS)}"
"""Only these: the system's own tables take longer than they do."""


def often_committed(name: str) -> Connection:
    """A connection of the three streams that commits several times a second; source and destination have its name."""
    snapshots = ((OVERWRITTEN, WRITE_MODE_OVERWRITE), (APPENDED, WRITE_MODE_APPEND))
    return Connection(
        source=f"sources/{name}",
        destination=f"destinations/{name}",
        streams=[
            *(
                ConnectionStream(name=_stream_name(name), read_mode=READ_MODE_SNAPSHOT, write_mode=mode)
                for name, mode in snapshots
            ),
            ConnectionStream(
                name=_stream_name(INCREMENT),
                read_mode=READ_MODE_INCREMENTAL,
                write_mode=WRITE_MODE_APPEND,
                cursor_column="version",
            ),
        ],
        settings=ConnectionSettings(commit_bytes=64 << 10, commit_interval={"nanos": 10_000_000}, max_attempts=50),
    )


@dataclass
class Tables:
    """The three tables of one database; `seen` is the highest version that was delivered of INCREMENT."""

    database: Database
    count: int = 0
    seen: int = 0

    def create(self) -> None:
        """Make the tables and fill them."""
        with self.database.connect() as connection:
            for name in STREAMS:
                key = "" if name == APPENDED else "PRIMARY KEY"
                connection.execute(
                    f"CREATE TABLE {name} (id bigint {key}, version bigserial, amount numeric(12,2), at timestamptz,"
                    " note text, photo bytea)"
                )
            connection.execute(f"CREATE INDEX ON {INCREMENT} (version)")
            self._insert(connection, _ROWS)
            connection.execute(_ANALYZE)

    def grow(self) -> None:
        """Insert rows into every table, and update some of those that are read by version."""
        with self.database.connect() as connection:
            self._insert(connection, _MORE)
        self.renew()

    def renew(self) -> None:
        """Give every row of INCREMENT a new version, so that all of it is new again."""
        with self.database.connect() as connection:
            connection.execute(f"UPDATE {INCREMENT} SET version = nextval('{INCREMENT}_version_seq')")
            connection.execute(f"CLUSTER {INCREMENT} USING {INCREMENT}_version_idx")
            connection.execute(_ANALYZE)

    def due(self) -> dict[str, Rows]:
        """Return what the next run has to deliver, by stream."""
        with self.database.connect() as connection:
            return {
                OVERWRITTEN: _rows(connection, OVERWRITTEN),
                APPENDED: _rows(connection, APPENDED),
                INCREMENT: _rows(connection, INCREMENT, self.seen),
            }

    def delivered(self, due: dict[str, Rows]) -> None:
        """Note that a run has delivered what was due."""
        self.seen = pc.max(due[INCREMENT]["version"]).as_py() or self.seen

    def _insert(self, connection: psycopg.Connection, count: int) -> None:
        for name in STREAMS:
            statement = sql.SQL(_INSERT).format(table=sql.Identifier(name))
            connection.execute(statement, (self.count + 1, self.count + count))
        self.count += count


def _rows(connection: psycopg.Connection, name: str, above: int = 0) -> Rows:
    query = sql.SQL("SELECT {} FROM {} WHERE version > %s").format(
        sql.SQL(", ").join(map(sql.Identifier, COLUMNS)), sql.Identifier(name)
    )
    rows = connection.execute(query, (above,)).fetchall()
    return pa.table([[row[place] for row in rows] for place in range(len(COLUMNS))], schema=SCHEMA)


def _stream_name(name: str) -> StreamName:
    return StreamName(namespace="public", name=name)
