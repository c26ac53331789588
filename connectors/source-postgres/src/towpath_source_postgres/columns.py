"""From the columns of a table to a SELECT list, and from what arrives to what is delivered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import pyarrow as pa
from psycopg import sql
from towpath_sdk.errors import BadRecord, Bug

from towpath_source_postgres.config import SpecialValues
from towpath_source_postgres.guards import Array, count_true, nested_decimals, special_values, without
from towpath_source_postgres.types import Guard, PgType, Travel, travel_of

__all__ = ["Column", "Delivery"]


@dataclass(frozen=True)
class Column:
    """One column of a table as it travels."""

    name: str
    type: PgType
    travel: Travel
    policy: SpecialValues
    nullable: bool = True

    @classmethod
    def of(
        cls, name: str, type_: PgType, policy: SpecialValues, unconstrained: tuple[int, int] | None, *, nullable: bool
    ) -> Column:
        """Decide how a column travels."""
        return cls(name, type_, travel_of(type_, policy, unconstrained), policy, nullable)

    @property
    def field(self) -> pa.Field[Any]:
        """The field that is delivered. A policy of NULL makes every guarded column nullable."""
        guarded = self.travel.guard is not Guard.NONE or self.travel.unfit is not None
        nullable = self.nullable or (guarded and self.policy is SpecialValues.NULL)
        return pa.field(self.name, self.travel.delivered, nullable=nullable)


class Delivery:
    """The columns of one read: their SELECT list, their schema, and the conversion of each arriving batch.

    `table` names the table in failures.
    """

    def __init__(self, table: str, columns: Sequence[Column]) -> None:
        self.table = table
        self.columns = tuple(columns)
        self.schema = pa.schema([column.field for column in columns])
        self.nulled: Counter[str] = Counter()
        """Per column, how many values were delivered as NULL because their type cannot hold them."""
        self._unfit = [index for index, column in enumerate(columns) if column.travel.unfit]

    def select_list(self) -> sql.Composed:
        """Return the SELECT list: the columns in order, then one that names the columns with unfit values, if any can.

        One for all of them, since a SELECT list has at most 1,664 entries and a table 1,600 columns.
        """
        items = [
            sql.SQL("{} AS {}").format(_expression(column.travel.select, column.name), sql.Identifier(f"c{index}"))
            for index, column in enumerate(self.columns)
        ]
        if self._unfit:
            items.append(sql.SQL("{} AS unfit").format(self._unfit_columns()))
        return sql.SQL(", ").join(items)

    def convert(self, arrived: pa.RecordBatch) -> pa.RecordBatch:
        """Return what is delivered of one arriving batch. Raises BadRecord where the policy is to fail."""
        if self._unfit:
            self._judge_unfit(cast("Any", arrived).column(len(self.columns)))
        arrays = [self._finish(column, cast("Any", arrived).column(i)) for i, column in enumerate(self.columns)]
        return cast("Any", pa.RecordBatch).from_arrays(arrays, schema=self.schema)

    def _unfit_columns(self) -> sql.Composed:
        """Return an expression: NULL, or an array of the indexes of the columns whose value in this row is unfit."""
        conditions = [_expression(self.columns[i].travel.unfit or "", self.columns[i].name) for i in self._unfit]
        indexes = [
            sql.SQL("CASE WHEN {} THEN {}::int2 END").format(condition, sql.Literal(index))
            for index, condition in zip(self._unfit, conditions, strict=True)
        ]
        return sql.SQL("CASE WHEN {} THEN array_remove(ARRAY[{}], NULL) END").format(
            sql.SQL(" OR ").join(conditions), sql.SQL(", ").join(indexes)
        )

    def _judge_unfit(self, unfit: Array) -> None:
        if unfit.null_count == len(unfit):
            return
        indexes: list[int] = cast("Any", unfit).flatten().to_pylist()
        for index, count in Counter(indexes).items():
            self._judge(self.columns[index], count)

    def _finish(self, column: Column, array: Array) -> Array:
        travel = column.travel
        if array.type != travel.arrives:
            raise Bug(f"{self.table}.{column.name} arrived as {array.type}, not as {travel.arrives}")
        if travel.guard is Guard.NONE:
            return array
        if travel.guard is not Guard.NUMERIC:
            return self._replace(column, array)
        try:
            return cast("Any", array).cast(travel.delivered)
        except pa.ArrowInvalid as error:
            if not isinstance(array, pa.ListArray):
                return self._decimals(column, array, travel.delivered, error)
            to = cast("Any", travel.delivered).value_type
            values = self._decimals(column, cast("Any", array).flatten(), to, error)
            return nested_decimals(array, values, travel.delivered)

    def _decimals(self, column: Column, texts: Array, to: pa.DataType, error: Exception) -> Array:
        cleaned = self._replace(column, texts)
        try:
            return cast("Any", cleaned).cast(to)
        except pa.ArrowInvalid:
            raise BadRecord(
                f"{self.table}.{column.name} holds a number that does not fit {to}; "
                f'set special_values_by_column."{self.table}.{column.name}" to "string"',
                reason="NUMBER_TOO_WIDE",
            ) from error

    def _replace(self, column: Column, array: Array) -> Array:
        special = special_values(array, column.travel.guard)
        count = count_true(special)
        if count == 0:
            return array
        self._judge(column, count)
        return without(array, special)

    def _judge(self, column: Column, count: int) -> None:
        """Count values that become NULL, or raise BadRecord when the policy is to fail."""
        if column.policy is SpecialValues.NULL:
            self.nulled[column.name] += count
            return
        raise BadRecord(
            f"{self.table}.{column.name} holds a value that {column.travel.delivered} cannot hold, such as NaN, an "
            "infinity, 24:00, or an array of several dimensions or with another lower bound than 1; set "
            f'special_values_by_column."{self.table}.{column.name}" to "string" or "null", or mend the value',
            reason="UNREPRESENTABLE_VALUE",
        )


def _expression(template: str, column: str) -> sql.Composed:
    """Fill every `{}` of a SQL template of ours with the quoted column."""
    first, *rest = (sql.SQL(cast("LiteralString", piece)) for piece in template.split("{}"))
    parts: list[sql.Composable] = [first]
    for piece in rest:
        parts += [sql.Identifier(column), piece]
    return sql.Composed(parts)
