"""The realistic streams: customers, their orders, and what they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from towpath_source_faker.config import FakerConfig
from towpath_source_faker.making import (
    choice,
    created_at,
    derived,
    float_from,
    integer_from,
    padding,
    row_id,
    updated_at,
)
from towpath_source_faker.tables import Column, Rows, Table

__all__ = ["shop"]

_pc: Any = compute
_array: Any = pa.array

_FIRST_NAMES = ("Ada", "Barbara", "Claude", "Edsger", "Frances", "Grace", "Hedy", "Ivan", "Jean", "Karen", "Leslie")
_LAST_NAMES = ("Allen", "Bartik", "Codd", "Dijkstra", "Engelbart", "Floyd", "Hopper", "Knuth", "Liskov", "Ångström")
_NAMES = [f"{first} {last}" for first in _FIRST_NAMES for last in _LAST_NAMES]
_COUNTRIES = ("AT", "BR", "CH", "DE", "ES", "FR", "GB", "IN", "IT", "JP", "MX", "NO", "PL", "SE", "TR", "US")
_EVENTS = ("login", "logout", "view", "search", "add_to_cart", "remove_from_cart", "checkout", "refund")
_PATHS = [f"/{page}/{number}" for page in ("products", "categories", "help", "account") for number in range(64)]
_CENTS = pa.decimal128(12, 2)


def shop(config: FakerConfig) -> list[Table]:
    """Customers, orders and events as configured."""
    pads = [padding(config.row_bytes)] if config.row_bytes else []
    people = max(1, min(config.rows, 1 << 32))

    def table(name: str, *columns: Column) -> Table:
        return Table(name, [row_id(), *columns, *pads, updated_at()], config.rows, changes=True, added=_note())

    return [
        table(
            "customers",
            choice("name", _NAMES),
            derived("email", pa.string(), _email),
            choice("country", _COUNTRIES),
            integer_from("points", 0, 10_000, changes=True),
            float_from("discount", 0, 0.5),
            created_at(),
        ),
        table(
            "orders",
            integer_from("customer_id", 1, people + 1),
            choice("status", ["new", "paid", "shipped", "returned"], changes=True),
            derived("total", _CENTS, _total),
            derived("express", pa.bool_(), _express),
            created_at(),
        ),
        table(
            "events",
            integer_from("customer_id", 1, people + 1),
            choice("kind", _EVENTS),
            choice("path", _PATHS),
            float_from("seconds", 0, 300),
        ),
    ]


def _email(rows: Rows) -> pa.Array[Any]:
    return _pc.binary_join_element_wise("customer", _array(rows.numbers + 1).cast(pa.string()), "@example.com", "")


def _total(rows: Rows) -> pa.Array[Any]:
    cents = _array(rows.dice.below(10_000_000, "total", rows.numbers, rows.versions))
    return cents.cast(pa.decimal128(19, 0)).view(pa.decimal128(19, 2)).cast(_CENTS)


def _express(rows: Rows) -> pa.Array[Any]:
    return _array(rows.dice.words("express", rows.numbers) & np.uint64(7) == 0)


def _note() -> Column:
    def make(rows: Rows) -> pa.Array[Any]:
        return _array(rows.dice.below(100, "note", rows.numbers)).cast(pa.string())

    return Column("note", pa.string(), make)
