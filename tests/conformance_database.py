"""A database for judging source-postgres, and the case that it is judged with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import psycopg
import pyarrow as pa
from fix_postgres import Database
from source_postgres_sources import config_of, run
from towpath_conformance import Case
from towpath_local.embedded.ports import free_port
from type_matrix import create_matrix, expected_table

__all__ = ["create_database", "database_case", "locked"]

MANY = 10_000
_TABLES = """
CREATE TABLE customers (id int PRIMARY KEY, name text, region text, updated_at timestamptz NOT NULL);
INSERT INTO customers SELECT n, 'customer ' || n, (ARRAY['north', 'south', NULL])[n % 3 + 1],
       timestamptz '2024-01-01 00:00Z' + n / 7 * interval '1 minute' FROM generate_series(1, 6000) AS n;
CREATE INDEX ON customers (updated_at);
CREATE TABLE visits (at timestamp, path text, seconds numeric(6,2));
INSERT INTO visits SELECT timestamp '2024-01-01' + n % 500 * interval '1 second', '/' || n % 10, n % 1000 / 100.0
  FROM generate_series(1, 4000) AS n;
CREATE TABLE nothing (id int PRIMARY KEY, note text);
CREATE TABLE wide (id int PRIMARY KEY, document text);
INSERT INTO wide SELECT n, repeat(md5(n::text), 10000) FROM generate_series(1, 3) AS n;
CREATE TABLE locked (id int PRIMARY KEY);
INSERT INTO locked VALUES (1);
CREATE VIEW broken AS SELECT n AS id, 1 / (n - 5) AS inverse FROM generate_series(1, 10) AS n;
CREATE UNLOGGED TABLE large (id int PRIMARY KEY, padding text);
INSERT INTO large SELECT n, repeat(md5(n::text), 20) FROM generate_series(1, 300000) AS n;
CREATE SCHEMA many;
ANALYZE;
"""
"""`customers` lies on disk in the order of its key and of its cursor; `visits` has no key."""


def create_database(database: Database, folder: Path) -> Path:
    """Fill the database, and return the file with what is expected of the table with every type."""
    with database.connect() as connection:
        run(connection, _TABLES)
        create_matrix(connection)
        table = expected_table(connection)
        run(
            connection,
            f"DO $$ BEGIN FOR n IN 1..{MANY} LOOP"
            " EXECUTE format('CREATE VIEW many.view_%s AS SELECT 1 AS id', to_char(n, 'FM00000'));"
            " IF n % 500 = 0 THEN COMMIT; END IF; END LOOP; END $$",
        )
    path = folder / "type_matrix.arrow"
    with pa.ipc.new_file(str(path), table.schema) as writer:
        cast("Any", writer).write_table(table)
    return path


def locked(database: Database) -> psycopg.Connection:
    """Return a connection that keeps everybody else from the table `locked` until it is closed."""
    connection = database.connect()
    connection.execute("BEGIN")
    connection.execute("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE")
    return connection


def database_case(database: Database, expected: Path, folder: Path) -> Case:
    """How the source is judged in about a minute."""
    return Case.model_validate(
        {
            "config": config_of(
                database, schemas=["public"], chunk_bytes=1 << 16, sslmode="disable", snapshot_seconds=10
            ),
            "invalid": [
                {
                    "name": "a wrong password",
                    "kind": "credentials",
                    "set": {"password": "wrong"},
                    "fails": {"probe": "authentication"},
                },
                {
                    "name": "an unreachable server",
                    "kind": "unreachable",
                    "set": {"port": free_port()},
                    "fails": {"probe": "network"},
                },
                {
                    "name": "a database that is not there",
                    "set": {"database": "no_such_database"},
                    "fails": {"probe": "database"},
                },
                {
                    "name": "a schema that is not there",
                    "set": {"schemas": ["no_such_schema"]},
                    "fails": {"probe": "schemas"},
                },
                {"name": "a port that is no port", "set": {"port": 70_000}, "fails": {"field": "port"}},
            ],
            "source": {
                "streams": [
                    {"name": "public.customers"},
                    {"name": "public.visits"},
                    {"name": "public.customers", "mode": "incremental", "cursor": "updated_at"},
                ],
                "empty": {"name": "public.nothing"},
                "failing": {"name": "public.broken"},
                "type_matrix": {"stream": {"name": "public.type_matrix"}, "expected": str(expected)},
                "add_rows": {
                    "url": database.url,
                    "sql": "INSERT INTO customers SELECT 7000 + n, 'new ' || n, 'east', timestamptz '2025-01-01 00:00Z'"
                    " FROM generate_series(1, 5) AS n; UPDATE customers SET region = 'west',"
                    " updated_at = '2025-01-01 00:00:01Z' WHERE id IN (1, 2, 3000)",
                },
                "alter": {"url": database.url, "sql": "ALTER TABLE customers ADD COLUMN note text DEFAULT 'new'"},
                "many_streams": {"schemas": ["many"]},
                "large": {"name": "public.large"},
                "large_set": {"chunk_bytes": 4 << 20},
                "oversize": {"name": "public.wide"},
                "blocked": {"name": "public.locked"},
                "blocked_set": {"lock_timeout_seconds": 0},
            },
            "patience": {
                "slow_reader_seconds": 3,
                "idle_seconds": 6,
                "blocked_seconds": 0.5,
                "cycles": 12,
                "bit_flips": 60,
                "kills": 4,
                "resumes": 6,
            },
            "folder": folder,
        }
    )
