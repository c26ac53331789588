"""Checksums that do not depend on the order of rows, computed by two databases from the values, each in its own SQL.

A row becomes text: every column in a canonical form, NULL as `\\N`, with a separator between them that no value holds.
The checksum of a table is the sum, modulo 2^64, of the first 60 bits of each row's MD5. Both sides are asked for the
same definition, and neither sees what the other computed: PostgreSQL reads its tables, DuckDB the Parquet files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import psycopg
from psycopg import sql

from towpath_local.demo.shop import ColumnKind, Table

__all__ = ["Fingerprint", "LakeFingerprint", "lake_fingerprint", "source_fingerprint"]

_MODULUS = 1 << 64

_POSTGRES: Mapping[ColumnKind, str] = {
    "plain": "{}::text",
    "timestamp": "(extract(epoch FROM {}) * 1000000)::bigint::text",
    "list": "array_to_string({}, ',')",
    "bytes": "encode({}, 'hex')",
    # Both print the shortest text of a float, but in different notations.
    "float": "{}::numeric(18, 4)::text",
}
_DUCKDB: Mapping[ColumnKind, str] = {
    "plain": "CAST({} AS VARCHAR)",
    "timestamp": "CAST(epoch_us({}) AS VARCHAR)",
    "list": "array_to_string({}, ',')",
    "bytes": "lower(hex({}))",
    "float": "CAST(CAST({} AS DECIMAL(18, 4)) AS VARCHAR)",
}


@dataclass(frozen=True)
class Fingerprint:
    """Rows and checksum of a table."""

    rows: int
    checksum: int

    @property
    def text(self) -> str:
        """The checksum as 16 hexadecimal digits."""
        return f"{self.checksum:016x}"


@dataclass(frozen=True)
class LakeFingerprint:
    """What the destination holds of a stream: the latest version of each key, and how many versions there are in all.

    `doubled` counts rows that are there more than once, which must never be.
    """

    latest: Fingerprint
    versions: int
    doubled: int


def source_fingerprint(connection: psycopg.Connection, table: Table) -> Fingerprint:
    """Ask PostgreSQL."""
    row = " || chr(31) || ".join(
        f"coalesce({_POSTGRES[column.kind].format(column.name)}, '\\N')" for column in table.columns
    )
    query = (
        f"SELECT count(*), coalesce(sum(('x' || substr(md5({row}), 1, 15))::bit(60)::bigint), 0)::text"
        f" FROM shop.{table.name}"
    )
    found = connection.execute(sql.SQL(query)).fetchone()  # pyright: ignore[reportArgumentType]  # of literals only
    assert found is not None
    return Fingerprint(int(found[0]), int(found[1]) % _MODULUS)


def lake_fingerprint(lake: duckdb.DuckDBPyConnection, table: Table) -> LakeFingerprint:
    """Ask DuckDB; the view `table.name` shows the stream's files."""
    row = " || chr(31) || ".join(
        f"coalesce({_DUCKDB[column.kind].format(column.name)}, '\\N')" for column in table.columns
    )
    version = table.cursor or table.key
    latest = f"SELECT *, row_number() OVER (PARTITION BY {table.key} ORDER BY {version} DESC) AS age FROM {table.name}"
    summed = lake.sql(
        f"SELECT count(*), coalesce(sum(CAST('0x' || substr(md5({row}), 1, 15) AS BIGINT)), 0)"
        f" FROM ({latest}) WHERE age = 1"
    ).fetchone()
    counted = lake.sql(
        f"SELECT count(*), count(*) - count(DISTINCT ({table.key}, {version})) FROM {table.name}"
    ).fetchone()
    assert summed is not None
    assert counted is not None
    return LakeFingerprint(Fingerprint(int(summed[0]), int(summed[1]) % _MODULUS), int(counted[0]), int(counted[1]))
