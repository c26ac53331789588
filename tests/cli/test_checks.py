"""What `check` says through the built-in connectors when something about a real system is wrong."""

from __future__ import annotations

import json

import pytest
from cli_prompt import Prompt, Terminal
from fix_postgres import Database
from stack import postgres_config, s3_config
from towpath_local.embedded.s3 import EmbeddedS3


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        ({}, 0, "ok"),
        ({"host": "nowhere.invalid"}, 3, "host nowhere.invalid cannot be resolved"),
        ({"port": 1}, 7, "127.0.0.1"),
        ({"password": "wr0ng-pa55word"}, 4, "password"),
        ({"database": "shopp"}, 3, "shopp"),
    ],
    ids=["right", "host", "port", "password", "database"],
)
def test_a_source_that_cannot_be_read_says_what_to_mend(
    towpath: Prompt, postgres_database: Database, wrong: dict[str, object], code: int, says: str
) -> None:
    """The exit code tells a wrong value from a wrong password from a server that is away; secrets are not repeated."""
    config = json.dumps({**postgres_config(postgres_database), **wrong})
    towpath.ok("sources", "create", "checked", "--connector", "source-postgres", "-f", "-", stdin=config)
    try:
        done = towpath("sources", "check", "checked")
        assert done.code == code, done.out
        assert says in done.out
        assert ("failed" in done.out) == (code != 0)
        assert "wr0ng-pa55word" not in done.out + done.err
        assert postgres_database.password not in done.out + done.err
    finally:
        towpath.ok("sources", "delete", "checked")


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        ({}, 0, "ok"),
        ({"bucket": "no-such-bucket"}, 3, "no-such-bucket"),
        ({"secret_access_key": "wr0ng-s3cret"}, 4, "secret"),
        ({"endpoint": "http://127.0.0.1:1"}, 7, "check endpoint and region"),
    ],
    ids=["right", "bucket", "secret", "endpoint"],
)
def test_a_destination_that_cannot_be_written_says_what_to_mend(
    towpath: Prompt, s3: EmbeddedS3, s3_bucket: str, wrong: dict[str, object], code: int, says: str
) -> None:
    """The same for the other end."""
    config = json.dumps({**s3_config(s3, s3_bucket), **wrong})
    towpath.ok("destinations", "create", "checked", "--connector", "destination-s3", "-f", "-", stdin=config)
    try:
        done = towpath("destinations", "check", "checked")
        assert done.code == code, done.out
        assert says in done.out
        assert "wr0ng-s3cret" not in done.out + done.err
        assert s3.secret_key not in done.out + done.err
    finally:
        towpath.ok("destinations", "delete", "checked")


def test_probes_are_drawn_on_a_terminal_as_they_end(towpath: Prompt, postgres_database: Database) -> None:
    """Redrawn in place: first the one that runs, at the end the outcome of each, once."""
    config = json.dumps(postgres_config(postgres_database))
    towpath.ok("sources", "create", "probed", "--connector", "source-postgres", "-f", "-", stdin=config)
    terminal = Terminal(towpath.stack, "sources", "check", "probed")
    try:
        assert terminal.wait() == 0, terminal.drawn
        assert "running" in terminal.drawn
        assert "\x1b[1A" in terminal.drawn, "it is drawn over"
        last = terminal.drawn[terminal.drawn.rindex("PROBE") :]
        assert "running" not in last
        assert [last.count(probe) for probe in ("network", "authentication", "version")] == [1, 1, 1], last
    finally:
        towpath.ok("sources", "delete", "probed")


def test_tables_are_discovered_with_their_keys_and_cursors(towpath: Prompt, postgres_database: Database) -> None:
    """What one copies into a pipeline file; an unknown table or cursor is refused with those that there are."""
    with postgres_database.connect() as connection:
        connection.execute("CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(10, 2), updated_at timestamptz)")
        connection.execute("INSERT INTO orders VALUES (1, 12.5, '2026-01-31 12:00+01'), (2, NULL, NULL)")
    config = json.dumps(postgres_config(postgres_database))
    towpath.ok("sources", "create", "found", "--connector", "source-postgres", "-f", "-", stdin=config)
    shown = towpath.ok("sources", "discover", "found").out
    assert "public.orders" in shown
    assert "updated_at" in shown
    preview = towpath.ok("sources", "preview", "found", "public.orders").out
    assert [word for word in ("12.50", "2026-01-31T11:00:00", "NULL", "all 2 rows") if word not in preview] == []
    assert "choose one of: public.orders" in towpath.fails(3, "sources", "preview", "found", "public.order")
    towpath.ok("destinations", "create", "found", "--connector", "destination-s3", "-c", "bucket=lake")
    create = ["connections", "create", "found", "--source", "found", "--destination", "found", "--stream"]
    assert "choose one of: public.orders" in towpath.fails(3, *create, "public.order")
    wrong_cursor = towpath.fails(3, *create, "public.orders,read=incremental,cursor=updated_on")
    assert "'updated_on' cannot be a cursor of public.orders" in wrong_cursor
    assert "updated_at" in wrong_cursor
