"""The shortest way through the source: check, discover, read once, read what is new."""

from __future__ import annotations

from fix_postgres import Database
from source_postgres_sources import config_of, running_source
from towpath_sdk import ReadMode, StreamName

ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, customer text NOT NULL, total numeric(10,2), updated_at timestamptz NOT NULL);
INSERT INTO orders VALUES (1, 'Ada', 10.50, '2024-01-01 10:00+00'), (2, 'Grace', NULL, '2024-01-02 10:00+00');
"""


def test_check_of_a_reachable_database_passes_every_probe(postgres_database: Database) -> None:
    """A green check is what a user waits for before the first sync."""
    with running_source() as source:
        results = source.check(config_of(postgres_database))
    assert [(result.probe, result.failure) for result in results] == [
        (name, None)
        for name in (
            "network",
            "tls",
            "authentication",
            "database",
            "version",
            "schemas",
            "permissions.select",
            "special_values",
        )
    ]


def test_discover_names_columns_key_and_modes(postgres_database: Database) -> None:
    """The catalogue is what a user picks streams and cursors from."""
    with postgres_database.connect() as connection:
        connection.execute(ORDERS)
    with running_source() as source:
        (orders,) = source.discover(config_of(postgres_database))
    assert StreamName(orders.namespace, orders.name) == StreamName("public", "orders")
    assert orders.arrow_schema.names == ["id", "customer", "total", "updated_at"]
    assert list(orders.primary_key) == ["id"]
    assert set(orders.read_modes) == {ReadMode.SNAPSHOT, ReadMode.INCREMENTAL}
    assert list(orders.cursor_columns) == ["id", "customer", "total", "updated_at"]


def test_snapshot_of_a_small_table_delivers_every_row(postgres_database: Database) -> None:
    """The plainest read there is."""
    with postgres_database.connect() as connection:
        connection.execute(ORDERS)
    with running_source() as source:
        result = source.read(config_of(postgres_database), "public.orders")
    assert result.complete
    assert [(row["id"], row["customer"], str(row["total"])) for row in result.rows] == [
        (1, "Ada", "10.50"),
        (2, "Grace", "None"),
    ]


def test_incremental_read_continues_with_what_is_new(postgres_database: Database) -> None:
    """A second run that moved the old rows again would double them at the destination."""
    config = config_of(postgres_database)
    with postgres_database.connect() as connection, running_source() as source:
        connection.execute(ORDERS)
        first = source.read(config, "public.orders", ReadMode.INCREMENTAL, cursor_column="updated_at")
        connection.execute("INSERT INTO orders VALUES (3, 'Edsger', 1, '2024-01-03 10:00+00')")
        second = source.read(
            config, "public.orders", ReadMode.INCREMENTAL, cursor_column="updated_at", state=first.state
        )
    assert [row["id"] for row in first.rows] == [1, 2]
    assert [row["id"] for row in second.rows] == [3]


def test_integer_cursor_is_compared_as_a_number(postgres_database: Database) -> None:
    """In SQL, `SELECT id::text … ORDER BY id` sorts texts: 9 would be taken for the highest of 10 ids."""
    with postgres_database.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT id FROM generate_series(1, 12) AS id")
    with running_source() as source:
        result = source.read(config_of(postgres_database), "public.t", ReadMode.INCREMENTAL, cursor_column="id")
    assert result.table["id"].to_pylist() == list(range(1, 13))
