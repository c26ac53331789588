"""Every type, value by value, against what the server itself says."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from fix_postgres import Database
from source_postgres_sources import config_of, running_source, secure_url
from type_matrix import CASES, EXTENSION_CASES, TypeCase, create_matrix, delivered, expected, expected_schema


def test_every_type_is_delivered_exactly(postgres_database: Database) -> None:
    """A value that changes on the way without an error is the worst that a connector can do."""
    _assert_exact(postgres_database, CASES)


def test_every_type_is_delivered_exactly_by_an_older_server(postgres_16_database: Database) -> None:
    """Binary formats and catalogues differ between versions; the values must not."""
    _assert_exact(postgres_16_database, CASES)


def test_types_of_extensions_are_delivered_as_their_text(debian_database: Database) -> None:
    """Types that the connector has never heard of still arrive, as the server writes them."""
    _assert_exact(debian_database, EXTENSION_CASES, sslmode="require")


def _assert_exact(database: Database, cases: Sequence[TypeCase], **changes: str) -> None:
    url = secure_url(database) if changes else database.url
    with psycopg.connect(url, autocommit=True) as connection:
        create_matrix(connection, cases)
        wanted = expected(connection, cases)
    with running_source() as source:
        config = config_of(database, **changes)
        (stream,) = source.discover(config)
        table = source.read(config, "public.type_matrix").table
    assert {field.name: field.type for field in table.schema} == expected_schema(cases)
    assert stream.arrow_schema == table.schema
    found = delivered(table)
    assert {name: found[name] for name in found if found[name] != wanted[name]} == {}
    assert found == wanted
