"""Exported snapshots, kept alive by a transaction that does nothing else.

Every reader of a snapshot sees the same rows. A snapshot dies with the transaction that keeps it, so the keeper of a
read that was interrupted is parked for a while: a read that resumes in the same process finds it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Sequence
from typing import Any

import psycopg
from psycopg import sql
from towpath_sdk import Context
from towpath_sdk.errors import Unavailable

from towpath_source_postgres.config import PostgresConfig
from towpath_source_postgres.failures import translated
from towpath_source_postgres.ranges import boundaries
from towpath_source_postgres.relations import Relation
from towpath_source_postgres.sessions import open_session

__all__ = ["Keeper", "Keepers"]

_USUAL_BLOCK_BYTES = 8192
_HAS_TRANSACTION_TIMEOUT = 170000


class Keeper:
    """One exported snapshot and the session that keeps it; the session also answers questions within the snapshot.

    While it lives the relation cannot be truncated, rewritten or altered, since the keeper holds a share of its lock.
    """

    def __init__(self, connection: psycopg.Connection, relation: Relation) -> None:
        self._connection = connection
        self._relation = relation
        self._resources = contextlib.ExitStack()
        self.snapshot = ""
        self.server_version = connection.info.server_version
        self.finished = False
        """Everything was read and delivered; nobody will come back for this snapshot."""
        self.named = False
        """A checkpoint that was delivered names this snapshot; without one nobody could come back for it."""

    @classmethod
    def open(cls, config: PostgresConfig, relation: Relation, context: Context) -> Keeper:
        """Begin a transaction, lock the relation against changes of its structure, and export the snapshot."""
        with contextlib.ExitStack() as resources:
            connection = resources.enter_context(open_session(config, doing="exporting a snapshot"))
            keeper = cls(connection, relation)
            if keeper.server_version >= _HAS_TRANSACTION_TIMEOUT:
                connection.execute("SET transaction_timeout = 0")
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            keeper._lock(context)
            keeper.snapshot = str(keeper.ask(sql.SQL("SELECT pg_export_snapshot()").format(), context)[0][0])
            keeper._resources = resources.pop_all()
            return keeper

    def ask(self, query: sql.Composed, context: Context) -> list[tuple[Any, ...]]:
        """Return the rows of a question that is asked within the snapshot; a cancel interrupts it."""
        with translated(f"asking about {self._relation.name}"), context.on_cancel(self._connection.cancel):
            return self._connection.execute(query).fetchall()

    def blocks(self, context: Context) -> int:
        """Return the size of the relation in blocks, at least that under the snapshot; 0 for a partitioned table."""
        query = sql.SQL("SELECT pg_relation_size({}::oid) / current_setting('block_size')::int").format(
            sql.Literal(self._relation.oid)
        )
        return int(self.ask(query, context)[0][0])

    def divide(
        self, columns: Sequence[str], condition: sql.Composed, chunk_bytes: int, context: Context
    ) -> list[tuple[str, ...]]:
        """Return the keys, as texts, that divide the rows of `condition` into pieces of about `chunk_bytes`."""
        blocks = self.blocks(context) or self._relation.bytes // _USUAL_BLOCK_BYTES
        query = boundaries(self._relation, columns, condition, chunk_bytes, blocks)
        return [tuple(str(text) for text in key) for key in self.ask(query, context)]

    def alive(self) -> bool:
        """Whether the session still answers."""
        try:
            self._connection.execute("SELECT")
        except psycopg.Error:
            return False
        return True

    def close(self) -> None:
        """End the transaction; the snapshot is gone."""
        self._resources.close()

    def _lock(self, context: Context) -> None:
        """Take the lock before the snapshot: a table that is truncated between the two would look empty.

        LOCK TABLE asks for a privilege on the whole table, and for a table; whoever may not use it locks by a query.
        """
        relation = self._relation
        if relation.kind not in {"table", "partitioned table", "materialized view"}:
            return
        if relation.access.all_columns and relation.kind != "materialized view":
            statement = sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(relation.identifier)
        else:
            statement = sql.SQL("SELECT FROM {} LIMIT 0").format(relation.identifier)
        with translated(f"locking {relation.name}"), context.on_cancel(self._connection.cancel):
            self._connection.execute(statement)


class Keepers:
    """The keepers that wait for a read to resume."""

    def __init__(self) -> None:
        self._parked: dict[str, tuple[Keeper, threading.Timer]] = {}
        self._lock = threading.Lock()

    def take(self, snapshot: str) -> Keeper | None:
        """Return the parked keeper of a snapshot, or None when it is gone."""
        keeper = self._unpark(snapshot)
        if keeper is None or keeper.alive():
            return keeper
        keeper.close()
        return None

    @contextlib.contextmanager
    def using(self, keeper: Keeper, context: Context, parked_seconds: float) -> Generator[None]:
        """Close the keeper after the block, or park it for `parked_seconds` when the read may come back.

        It may when it was asked to drain, or when a connection broke: not after a cancel, not when all was read, not
        without a checkpoint to come back from.
        """
        wanted = False
        try:
            yield
        except Unavailable:
            wanted = True
            raise
        finally:
            # A read that is finished is not asked whether it drains: the answer would make it incomplete.
            resumable = keeper.named and not keeper.finished and not context.cancelled
            if resumable and (wanted or context.draining):
                self._park(keeper, parked_seconds)
            else:
                keeper.close()

    def _unpark(self, snapshot: str) -> Keeper | None:
        with self._lock:
            parked = self._parked.pop(snapshot, None)
        if parked is None:
            return None
        keeper, timer = parked
        timer.cancel()
        return keeper

    def _park(self, keeper: Keeper, seconds: float) -> None:
        timer = threading.Timer(seconds, self._expire, [keeper.snapshot])
        timer.daemon = True
        with self._lock:
            self._parked[keeper.snapshot] = (keeper, timer)
        timer.start()

    def _expire(self, snapshot: str) -> None:
        keeper = self._unpark(snapshot)
        if keeper is not None:
            keeper.close()
