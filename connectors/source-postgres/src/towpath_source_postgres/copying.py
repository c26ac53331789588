"""Binary COPY into Arrow: one statement, its batches as they are delivered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader  # the only reader that keeps a late failure's SQLSTATE
from psycopg import sql
from towpath_sdk import Context

from towpath_source_postgres.columns import Delivery
from towpath_source_postgres.failures import translated
from towpath_source_postgres.relations import Relation

__all__ = ["copy_rows"]


def copy_rows(
    session: adbc.Connection, relation: Relation, condition: sql.Composed, delivery: Delivery, context: Context
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `relation` that meet `condition`.

    Ends within a second of a cancel, also while the server is silent. Raises the kind of the failure; the data never
    end early without one.
    """
    query = sql.SQL("SELECT {} FROM {} WHERE {}").format(delivery.select_list(), relation.identifier, condition)
    with (
        session.cursor() as cursor,
        translated(f"reading {delivery.table}"),
        context.on_cancel(cursor.adbc_cancel),
    ):
        # Not cursor.execute, which would have the server plan the query once more just to prepare it.
        statement: Any = cursor.adbc_statement
        statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(context.batch_bytes)})
        statement.set_sql_query(query.as_string(None))
        stream, _ = statement.execute_query()
        reader = AdbcRecordBatchReader._import_from_c(stream.address)  # noqa: SLF001 - there is no public way to it
        try:
            for arrived in reader:
                if arrived.num_rows:
                    yield delivery.convert(arrived)
        finally:
            reader.close()
