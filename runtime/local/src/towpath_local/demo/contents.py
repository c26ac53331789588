"""What is in the shop, made from a fixed seed, and what happens there between two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import LiteralString

import psycopg
from psycopg import sql

from towpath_local.demo.shop import TABLES

__all__ = ["SCALES", "change", "is_loaded", "load"]

SCALES = (0.01, 10.0)
"""Smallest and largest size of the shop; 1 is about 1.4 million rows."""

_SCHEMA = """
CREATE SCHEMA shop;
CREATE TYPE shop.tier AS ENUM ('bronze', 'silver', 'gold');
CREATE TABLE shop.stores (
    store_id smallint PRIMARY KEY, name text NOT NULL, country char(2) NOT NULL, opened_on date);
CREATE TABLE shop.products (
    product_id integer PRIMARY KEY, sku varchar(20) NOT NULL, title text NOT NULL, price numeric(10, 2) NOT NULL,
    weight_kg double precision, tags text[] NOT NULL, active boolean NOT NULL);
CREATE TABLE shop.customers (
    customer_id bigint PRIMARY KEY, public_id uuid NOT NULL, name text NOT NULL, email text, tier shop.tier NOT NULL,
    born_on date, credit numeric(12, 2), newsletter boolean, settings jsonb NOT NULL,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE shop.orders (
    order_id bigint PRIMARY KEY, customer_id bigint NOT NULL, store_id smallint NOT NULL, status text NOT NULL,
    total numeric(12, 2) NOT NULL, note text, placed_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE shop.order_items (
    item_id bigint PRIMARY KEY, order_id bigint NOT NULL, product_id integer NOT NULL, quantity smallint NOT NULL,
    unit_price numeric(10, 2) NOT NULL, discount numeric(5, 4));
CREATE TABLE shop.events (
    event_id bigint PRIMARY KEY, session_id uuid NOT NULL, customer_id bigint, kind text NOT NULL,
    payload jsonb NOT NULL, fingerprint bytea, seconds real, happened_at timestamptz NOT NULL);
"""

_ROWS: Sequence[LiteralString] = (
    """
INSERT INTO shop.stores
SELECT i, 'Store ' || i, (ARRAY['NL', 'DE', 'FR', 'BE'])[1 + i % 4], date '1998-03-01' + i * 97
  FROM generate_series(1, 40) i""",
    """
INSERT INTO shop.products
SELECT i, 'SKU-' || lpad(i::text, 7, '0'), 'Product №' || i, (1 + random() * 500)::numeric(10, 2),
       CASE WHEN i % 11 > 0 THEN round((random() * 20)::numeric, 3)::float8 END,
       (ARRAY['new', 'sale', 'eco', 'bulk'])[1 : i % 5], i % 13 > 0
  FROM generate_series(1, {products}) i""",
    """
INSERT INTO shop.customers
SELECT i, md5('customer' || i)::uuid, 'Customer ' || i, CASE WHEN i % 7 > 0 THEN 'c' || i || '@example.com' END,
       (ARRAY['bronze', 'silver', 'gold'])[1 + i % 3]::shop.tier, date '1940-01-01' + (random() * 25000)::int,
       (random() * 1000 - 200)::numeric(12, 2), CASE WHEN i % 5 > 0 THEN i % 2 = 0 END,
       jsonb_build_object('lang', (ARRAY['nl', 'de', 'fr', 'en'])[1 + i % 4], 'visits', i % 97, 'café', i % 2 = 0),
       timestamptz '2024-01-01 08:00+00' + i * interval '701 seconds 13 microseconds',
       timestamptz '2024-01-01 08:00+00' + i * interval '701 seconds 13 microseconds'
  FROM generate_series(1, {customers}) i""",
    """
INSERT INTO shop.orders
SELECT i, 1 + (random() * ({customers} - 1))::int, 1 + i % 40,
       (ARRAY['placed', 'paid', 'shipped', 'returned'])[1 + i % 4],
       (random() * 2000)::numeric(12, 2), CASE WHEN i % 9 = 0 THEN E'leave at "door"\n№ ' || i END,
       timestamptz '2025-01-01 00:00+00' + i * interval '91 seconds 7 microseconds',
       timestamptz '2025-01-01 00:00+00' + i * interval '91 seconds 7 microseconds'
  FROM generate_series(1, {orders}) i""",
    """
INSERT INTO shop.order_items
SELECT i, 1 + i / 2, 1 + (random() * ({products} - 1))::int, 1 + i % 5, (1 + random() * 500)::numeric(10, 2),
       CASE WHEN i % 6 = 0 THEN (random() * 0.5)::numeric(5, 4) END
  FROM generate_series(1, {items}) i""",
    """
INSERT INTO shop.events
SELECT i, md5('session' || i / 8)::uuid, CASE WHEN i % 3 > 0 THEN 1 + (random() * ({customers} - 1))::int END,
       (ARRAY['view', 'search', 'basket', 'checkout'])[1 + i % 4],
       jsonb_build_object('page', '/p/' || i % {products}, 'depth', i % 12),
       CASE WHEN i % 4 = 0 THEN decode(md5(i::text), 'hex') END, i % 600 / 8.0,
       timestamptz '2025-01-01 00:00+00' + i * interval '68 seconds 3 microseconds'
  FROM generate_series(1, {events}) i""",
)

_INDEXES = """
CREATE INDEX ON shop.customers (updated_at);
CREATE INDEX ON shop.orders (updated_at);
"""

_SIZES: Mapping[LiteralString, int] = {
    "products": 2_500,
    "customers": 60_000,
    "orders": 300_000,
    "items": 600_000,
    "events": 400_000,
}
"""Rows at scale 1."""

_CHANGES: Sequence[tuple[LiteralString, LiteralString]] = (
    ("products", "UPDATE shop.products SET price = price + 1 WHERE product_id % 100 = 7"),
    (
        "customers",
        """
WITH changed AS (SELECT customer_id, row_number() OVER (ORDER BY customer_id) AS n FROM shop.customers
                  WHERE customer_id % 200 = 3),
     latest AS (SELECT max(updated_at) AS at FROM shop.customers)
UPDATE shop.customers c SET tier = 'gold', credit = coalesce(credit, 0) + 10,
                            updated_at = latest.at + changed.n * interval '1 second'
  FROM changed, latest WHERE c.customer_id = changed.customer_id""",
    ),
    (
        "orders",
        """
WITH changed AS (SELECT order_id, row_number() OVER (ORDER BY order_id) AS n FROM shop.orders WHERE order_id % 150 = 1),
     latest AS (SELECT max(updated_at) AS at FROM shop.orders)
UPDATE shop.orders o SET status = 'closed', updated_at = latest.at + changed.n * interval '1 second'
  FROM changed, latest WHERE o.order_id = changed.order_id""",
    ),
    (
        "orders",
        """
INSERT INTO shop.orders
SELECT latest.id + i, 1 + i % 100, 1 + i % 40, 'placed', 12.5 + i, 'new since the last run',
       latest.at + i * interval '1 second', latest.at + i * interval '1 second'
  FROM (SELECT max(order_id) AS id, max(updated_at) AS at, count(*) / 300 AS fresh FROM shop.orders) latest,
       generate_series(1, latest.fresh) i""",
    ),
    (
        "order_items",
        """
INSERT INTO shop.order_items
SELECT latest.id + i, orders.id - i % 5, 1 + i % 25, 1, 9.99, NULL
  FROM (SELECT max(item_id) AS id, count(*) / 200 AS fresh FROM shop.order_items) latest,
       (SELECT max(order_id) AS id FROM shop.orders) orders, generate_series(1, latest.fresh) i""",
    ),
    (
        "events",
        """
INSERT INTO shop.events
SELECT latest.id + i, md5('later' || latest.id + i / 8)::uuid, NULL, 'view', '{"page": "/new"}', NULL, 1.5,
       latest.at + i * interval '1 second'
  FROM (SELECT max(event_id) AS id, max(happened_at) AS at, count(*) / 200 AS fresh FROM shop.events) latest,
       generate_series(1, latest.fresh) i""",
    ),
)
"""What happens in a day, by table; no row is changed twice."""


def is_loaded(connection: psycopg.Connection) -> bool:
    """Whether the shop is there."""
    return connection.execute("SELECT to_regnamespace('shop') IS NOT NULL").fetchone() == (True,)


def load(connection: psycopg.Connection, scale: float) -> int:
    """Create and fill the shop in one transaction; return how many rows it has. At scale 1 it takes some seconds."""
    sizes = {name: sql.Literal(round(size * scale)) for name, size in _SIZES.items()}
    with connection.transaction():
        connection.execute(_SCHEMA)
        connection.execute("SELECT setseed(0.42)")
        loaded = sum(connection.execute(sql.SQL(statement).format(**sizes)).rowcount for statement in _ROWS)
        connection.execute(_INDEXES)
    connection.execute("ANALYZE")
    return loaded


def change(connection: psycopg.Connection) -> dict[str, int]:
    """Let a day pass: prices and customers change, orders are closed, others are placed. In one transaction.

    Returns how many rows of each table are new or different.
    """
    changed = dict.fromkeys((table.name for table in TABLES), 0)
    with connection.transaction():
        for name, statement in _CHANGES:
            changed[name] += connection.execute(statement).rowcount
    return changed
