"""Snapshots: every row of a relation as of one moment, in pieces between which the read can continue.

Three ways, by what the relation allows:

* **Key ranges**, for a large table with a primary key whose rows lie on disk in the order of that key, and for
  partitioned tables. A piece is a range of keys, read by the index; the position is the last key, which means the
  same under any later snapshot, so the read survives a crash.
* **Block ranges**, for a large table otherwise. A piece is a range of blocks, read in physical order; reading by the
  key would visit the blocks at random. The position is a block number, which means something only while the exported
  snapshot lives: after a crash it is lost, and the stream starts over.
* **One piece**, for everything else: small tables, views, partitioned tables without a key.

All pieces of one read are read under one exported snapshot.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from psycopg import sql
from towpath_sdk import Checkpoint, Context, Record
from towpath_sdk.errors import PositionLost

from towpath_source_postgres.ahead import read_ahead
from towpath_source_postgres.columns import Delivery
from towpath_source_postgres.config import PostgresConfig
from towpath_source_postgres.copying import copy_rows
from towpath_source_postgres.keepers import Keeper, Keepers
from towpath_source_postgres.ranges import TRUE, within
from towpath_source_postgres.relations import Relation
from towpath_source_postgres.sessions import execute, open_data_session
from towpath_source_postgres.state import BlockPosition, CursorPosition, KeyPosition, Position, checkpoint

__all__ = ["read_snapshot"]

_ORDERLY = 0.9
"""Correlation of key order and disk order above which key ranges read the disk nearly in sequence."""


def read_snapshot(
    config: PostgresConfig,
    relation: Relation,
    delivery: Delivery,
    position: Position | None,
    keepers: Keepers,
    context: Context,
) -> Generator[Record]:
    """Yield every row of `relation` beyond `position`, with checkpoints between the pieces.

    Raises PositionLost when `position` belongs to a snapshot that is gone, to another key or to another way of reading.
    """
    if isinstance(position, CursorPosition):
        raise PositionLost(
            f"the stored state of {relation.name} is that of an incremental read; refresh the stream",
            reason="OTHER_READ_MODE",
        )
    keeper = _keeper(config, relation, position, keepers, context)
    keeper.named = position is not None and position.snapshot == keeper.snapshot
    with keepers.using(keeper, context, config.snapshot_seconds):
        reader = _Reader(config, relation, delivery, keeper, context)
        with contextlib.closing(read_ahead(reader.read(position))) as records:
            for record in records:
                keeper.named = keeper.named or isinstance(record, Checkpoint)
                yield record
        # Only now: a drain may stop at a checkpoint that was still waiting here when the last row had been read.
        keeper.finished = reader.all_read


def _keeper(
    config: PostgresConfig,
    relation: Relation,
    position: KeyPosition | BlockPosition | None,
    keepers: Keepers,
    context: Context,
) -> Keeper:
    """Return the keeper of the position's snapshot, or of a new one where that is as good."""
    if isinstance(position, KeyPosition) and (
        position.columns != relation.primary_key or not relation.key_can_be_divided
    ):
        raise PositionLost(f"the primary key of {relation.name} changed; refresh the stream", reason="KEY_CHANGED")
    kept = keepers.take(position.snapshot) if position else None
    if kept is not None:
        return kept
    if isinstance(position, BlockPosition):
        raise PositionLost(
            f"the snapshot under which {relation.name} was being read ended with its session, and the table has no "
            "key by which to continue under another; refresh the stream",
            reason="SNAPSHOT_GONE",
        )
    if position is not None:
        context.log(
            "warning",
            "the snapshot ended with its session; the read continues by key under a later one, so that the rows "
            "are of two moments",
            stream=str(relation.name),
        )
    return Keeper.open(config, relation, context)


def _by_key(config: PostgresConfig, relation: Relation) -> bool:
    large = relation.bytes > config.chunk_bytes and relation.kind in {"table", "partitioned table"}
    orderly = relation.correlation is None or relation.correlation >= _ORDERLY
    return large and orderly and relation.key_can_be_divided


def _by_block(config: PostgresConfig, relation: Relation) -> bool:
    # The rows of children and partitions lie in blocks of their own, with the same numbers.
    physical = relation.kind in {"table", "materialized view"} and not relation.has_children
    return physical and relation.bytes > config.chunk_bytes


class _Reader:
    """One read of one relation under one snapshot."""

    def __init__(
        self, config: PostgresConfig, relation: Relation, delivery: Delivery, keeper: Keeper, context: Context
    ) -> None:
        self._config = config
        self._relation = relation
        self._delivery = delivery
        self._keeper = keeper
        self._context = context
        self.all_read = False
        """The last row was read; a drain ends a read without it."""

    def read(self, position: KeyPosition | BlockPosition | None) -> Generator[Record]:
        """Yield what lies beyond `position`, in the way that the relation allows or the position demands."""
        with open_data_session(self._config, self._keeper.snapshot, self._keeper.server_version) as session:
            if isinstance(position, KeyPosition) or (position is None and _by_key(self._config, self._relation)):
                yield from self._key_ranges(session, position)
            elif isinstance(position, BlockPosition) or _by_block(self._config, self._relation):
                yield from self._block_ranges(session, position)
            else:
                yield from self._piece(session, TRUE)
                self.all_read = True

    def _key_ranges(self, session: adbc.Connection, position: KeyPosition | None) -> Iterator[Record]:
        """Yield range after range of the primary key, with a checkpoint after each but the last."""
        columns = self._relation.primary_key
        after = position.key if position else None
        execute(session, "SET enable_seqscan = off", "choosing the index")
        for upto in self._keeper.divide(columns, within(columns, after, None), self._config.chunk_bytes, self._context):
            if self._context.draining:
                return
            yield from self._piece(session, within(columns, after, upto))
            after = upto
            yield checkpoint(KeyPosition(after, columns, self._keeper.snapshot))
        yield from self._piece(session, within(columns, after, None))
        self.all_read = True

    def _block_ranges(self, session: adbc.Connection, position: BlockPosition | None) -> Iterator[Record]:
        """Yield range after range of blocks, with a checkpoint after each but the last."""
        start = position.block if position else 0
        blocks = self._keeper.blocks(self._context)
        # Measured with TOAST, so that a piece of few wide rows is no larger than one of many narrow ones.
        step = max(1, int(blocks * self._config.chunk_bytes / max(self._relation.bytes, 1)))
        while not self._context.draining:
            end = start + step
            last = end >= blocks
            condition = sql.SQL("ctid >= {}::tid").format(sql.Literal(f"({start},0)"))
            if not last:
                condition += sql.SQL(" AND ctid < {}::tid").format(sql.Literal(f"({end},0)"))
            yield from self._piece(session, condition)
            if last:
                self.all_read = True
                return
            start = end
            yield checkpoint(BlockPosition(start, self._keeper.snapshot))

    def _piece(self, session: adbc.Connection, condition: sql.Composed) -> Iterator[pa.RecordBatch]:
        return copy_rows(session, self._relation, condition, self._delivery, self._context)
