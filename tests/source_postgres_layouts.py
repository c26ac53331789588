"""Tables laid out so that each way of reading a snapshot is taken, and helpers to stop and go on with a read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from source_postgres_sources import run
from towpath_sdk import ReadMode, ReadStream, StreamName
from towpath_sdk.testing import ConnectorUnderTest, ReadResult

__all__ = ["CHUNK", "LAYOUTS", "covered", "read_until_drained", "rows_in", "rows_of"]

CHUNK = 1 << 16
"""The smallest piece that can be configured."""
_DRAINS = 5

LAYOUTS: Mapping[str, tuple[str, str | None]] = {
    "key ranges": (
        """
        CREATE TABLE t (a int, b text, filler text, PRIMARY KEY (a, b));
        INSERT INTO t SELECT n / 10, 'it''s \\ ' || n % 10, repeat('x', 60) FROM generate_series(1, 9000) AS n;
        ANALYZE t
        """,
        "key",
    ),
    "key ranges of a table that was never analysed": (
        """
        CREATE TABLE t (a int PRIMARY KEY, b text, filler text) WITH (autovacuum_enabled = off);
        INSERT INTO t SELECT n, n::text, repeat('x', 60) FROM generate_series(1, 9000) AS n
        """,
        "key",
    ),
    "key ranges over partitions": (
        """
        CREATE TABLE t (a int, b text, filler text, PRIMARY KEY (a, b)) PARTITION BY RANGE (a);
        CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (300);
        CREATE TABLE t2 PARTITION OF t DEFAULT PARTITION BY HASH (a);
        CREATE TABLE t3 PARTITION OF t2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE t4 PARTITION OF t2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO t SELECT n / 10, (n % 10)::text, repeat('x', 60) FROM generate_series(1, 9000) AS n
        """,
        "key",
    ),
    "block ranges, rows in another order than the key": (
        """
        CREATE TABLE t (a int PRIMARY KEY, b text, filler text);
        INSERT INTO t SELECT n * 7919 % 9001, n::text, repeat('x', 60) FROM generate_series(1, 9000) AS n;
        ANALYZE t
        """,
        "block",
    ),
    "block ranges without a key": (
        "CREATE TABLE t AS SELECT n AS a, n::text AS b, repeat('x', 60) AS filler FROM generate_series(1, 9000) AS n",
        "block",
    ),
    "block ranges of few wide rows": (
        """
        CREATE TABLE t (a int, b text, filler text);
        ALTER TABLE t ALTER filler SET STORAGE EXTERNAL;
        INSERT INTO t SELECT n, n::text, repeat('x', 7000) FROM generate_series(1, 1000) AS n
        """,
        "block",
    ),
    "block ranges of a materialized view": (
        """
        CREATE MATERIALIZED VIEW t AS
        SELECT n AS a, n::text AS b, repeat('x', 60) AS filler FROM generate_series(1, 9000) AS n
        """,
        "block",
    ),
    "one piece of a view": (
        "CREATE VIEW t AS SELECT n AS a, n::text AS b, repeat('x', 60) AS filler FROM generate_series(1, 9000) AS n",
        None,
    ),
    "one piece of partitions without a key": (
        """
        CREATE TABLE t (a int, b text, filler text) PARTITION BY RANGE (a);
        CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (3000);
        CREATE TABLE t2 PARTITION OF t DEFAULT;
        INSERT INTO t SELECT n, n::text, repeat('x', 60) FROM generate_series(1, 9000) AS n
        """,
        None,
    ),
    "one piece of a parent and its children": (
        """
        CREATE TABLE t (a int PRIMARY KEY, b text, filler text);
        CREATE TABLE child () INHERITS (t);
        INSERT INTO t SELECT n, n::text, repeat('x', 60) FROM generate_series(1, 2000) AS n;
        INSERT INTO child SELECT n, n::text, repeat('y', 60) FROM generate_series(1, 2000) AS n
        """,
        None,
    ),
    "one piece of a small table": ("CREATE TABLE t AS SELECT n AS a, '' AS b FROM generate_series(1, 9) AS n", None),
}
"""The statements that make `t`, and the kind of the positions between its pieces; None where there is one piece."""


def rows_of(result: ReadResult) -> list[tuple[Any, ...]]:
    """The rows read, in some fixed order."""
    return sorted(tuple(row.values()) for row in result.rows)


def rows_in(connection: psycopg.Connection, query: str = "SELECT * FROM t") -> list[tuple[Any, ...]]:
    """The rows of a query, in the same order."""
    return sorted(run(connection, query))


def covered(result: ReadResult, checkpoint: int) -> list[tuple[Any, ...]]:
    """The rows that the nth checkpoint covers."""
    batches = result.batches[: result.checkpoints[checkpoint].up_to_batch_seq]
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def read_until_drained(
    source: ConnectorUnderTest,
    config: Mapping[str, Any],
    state: Any = None,
    *,
    mode: ReadMode = ReadMode.SNAPSHOT,
    cursor_column: str = "",
) -> ReadResult:
    """Read `t` from `state`, and ask to drain as soon as a checkpoint has arrived; the read ends at a later one.

    On a busy machine everything may have been sent by then: from the start it is read again, until there is a rest.
    """
    result = _read_and_drain(source, config, state, mode, cursor_column)
    for _ in range(_DRAINS if state is None else 0):
        if not result.complete:
            break
        result = _read_and_drain(source, config, state, mode, cursor_column)
    return result


def _read_and_drain(
    source: ConnectorUnderTest, config: Mapping[str, Any], state: Any, mode: ReadMode, cursor_column: str
) -> ReadResult:
    stream = ReadStream(StreamName("public", "t"), mode, cursor_column=cursor_column, state=state, state_version=1)
    session = source.open_read(config, stream)
    asked = False
    for response in session:
        if response.WhichOneof("message") == "checkpoint":
            if not asked:
                session.drain()
            asked = True
            session.ack(response.checkpoint.checkpoint_seq)
    session.half_close()
    while session.receive() is not None:
        pass
    (result,) = session.results
    if result.failure is not None:
        raise result.failure
    return result
