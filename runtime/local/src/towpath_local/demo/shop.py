"""The sample database: the tables of a small shop, and how each is delivered and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, LiteralString

__all__ = ["TABLES", "Column", "ColumnKind", "Table"]

ColumnKind = Literal["plain", "timestamp", "list", "bytes", "float"]
"""How a value is written as the same text in PostgreSQL and in DuckDB; `plain` is what both do by themselves."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: LiteralString
    kind: ColumnKind = "plain"


@dataclass(frozen=True)
class Table:
    """One table. With a cursor it is read incrementally and appended; without, it is replaced by every run."""

    name: LiteralString
    key: LiteralString
    cursor: LiteralString | None
    columns: Sequence[Column]

    @property
    def stream(self) -> str:
        """Name of the stream."""
        return f"shop.{self.name}"


def _columns(names: LiteralString, **kinds: ColumnKind) -> tuple[Column, ...]:
    return tuple(Column(name, kinds.get(name, "plain")) for name in names.split())


TABLES: Sequence[Table] = (
    Table("stores", "store_id", None, _columns("store_id name country opened_on")),
    Table(
        "products",
        "product_id",
        None,
        _columns("product_id sku title price weight_kg tags active", weight_kg="float", tags="list"),
    ),
    Table(
        "customers",
        "customer_id",
        "updated_at",
        _columns(
            "customer_id public_id name email tier born_on credit newsletter settings created_at updated_at",
            created_at="timestamp",
            updated_at="timestamp",
        ),
    ),
    Table(
        "orders",
        "order_id",
        "updated_at",
        _columns(
            "order_id customer_id store_id status total note placed_at updated_at",
            placed_at="timestamp",
            updated_at="timestamp",
        ),
    ),
    Table("order_items", "item_id", "item_id", _columns("item_id order_id product_id quantity unit_price discount")),
    Table(
        "events",
        "event_id",
        "event_id",
        _columns(
            "event_id session_id customer_id kind payload fingerprint seconds happened_at",
            fingerprint="bytes",
            seconds="float",
            happened_at="timestamp",
        ),
    ),
)
"""All tables, small ones first."""
