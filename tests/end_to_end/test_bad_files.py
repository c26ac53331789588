"""Mistakes on the command line and in pipeline files: refused at once, the place named, and nothing created."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from cli_prompt import Prompt
from end_to_end_pipe import Pipe, new_name
from stack import Finished, postgres_config, s3_config
from towpath_sdk.errors import KINDS, Kind

WRONG = KINDS[Kind.MISCONFIGURED].exit_code
MISSING = KINDS[Kind.NOT_FOUND].exit_code


@dataclass(frozen=True)
class Shop:
    """A source and a destination of one name that work, and no connection."""

    pipe: Pipe
    name: str

    def cli(self, *arguments: str, stdin: str = "") -> Finished:
        """Run a command."""
        return Prompt(self.pipe.stack)(*arguments, stdin=stdin)

    def connect(self, *options: str) -> Finished:
        """Try to create a connection."""
        ends = ("--source", self.name, "--destination", self.name)
        return self.cli("connections", "create", self.name, *ends, *options)

    def names(self) -> set[str]:
        """Resource names of all sources and connections."""
        with self.pipe.stack.client() as client:
            return {one.name for one in client.sources.all()} | {one.name for one in client.connections.all()}


@pytest.fixture(scope="module")
def shop(shared_pipe: Pipe) -> Shop:
    """One table, both ends created."""
    shared_pipe.sql("CREATE TABLE orders (id int PRIMARY KEY, note text, tags int[])")
    name = new_name()
    with shared_pipe.stack.client() as client:
        client.sources.create(name, "source-postgres", postgres_config(shared_pipe.database))
        client.destinations.create(name, "destination-s3", s3_config(shared_pipe.s3, shared_pipe.bucket))
    return Shop(shared_pipe, name)


STREAMS = {
    "public.nothing": ("connection.streams[0].name", "choose one of: public.orders"),
    "public.orders,columns=id|remark": ("connection.streams[0].columns[1]", "choose one of: id, note, tags"),
    "public.orders,read=incremental": ("connection.streams[0].cursor_column", "choose: id, note"),
    "public.orders,read=incremental,cursor=tags": ("connection.streams[0].cursor_column", "choose one of: id, note"),
    "public.orders,read=incremental,cursor=id,write=overwrite": (
        "connection.streams[0].write_mode",
        "choose APPEND",
    ),
}
SCHEDULES: dict[tuple[str, ...], str] = {
    ("--cron", "0 25 * * *"): "cron.expression",
    ("--cron", "@daily", "--time-zone", "Europe/Atlantis"): "cron.time_zone",
    ("--every", "2s"): "interval",
}


@pytest.mark.parametrize("selected", STREAMS)
def test_stream_that_cannot_be_selected_names_field_and_choices(shop: Shop, selected: str) -> None:
    """A typing mistake in a column is found when it is made, not in the night's run."""
    field, choices = STREAMS[selected]
    refused = shop.connect("--stream", selected)
    assert refused.code == WRONG
    assert field in refused.err
    assert choices in refused.err
    assert f"connections/{shop.name}" not in shop.names()


@pytest.mark.parametrize("options", SCHEDULES, ids=" ".join)
def test_schedule_that_never_comes_names_its_field(shop: Shop, options: tuple[str, ...]) -> None:
    """A schedule that nobody can keep would be a connection that never runs."""
    refused = shop.connect("--stream", "public.orders", *options)
    assert refused.code == WRONG
    assert f"connection.schedule.{SCHEDULES[options]}" in refused.err
    assert f"connections/{shop.name}" not in shop.names()


CONFIGS = {
    "type": ({"port": "many"}, "port", "must be"),
    "range": ({"port": 70_000}, "port", "at most 65535"),
    "choice": ({"sslmode": "sometimes"}, "sslmode", "must be one of"),
    "unknown": ({"pasword": "hunter2-secret"}, "pasword", "is not a known field"),
    "missing": ({"host": None}, "host", "must be"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_config_that_does_not_match_the_schema_names_the_field(shop: Shop, case: str) -> None:
    """The form of a connector's settings is its own; the error has to say which field, and never repeat a secret."""
    change, field, words = CONFIGS[case]
    config = {**postgres_config(shop.pipe.database), **change}
    name = new_name()
    refused = shop.cli("sources", "create", name, "--connector", "source-postgres", "-f", "-", stdin=json.dumps(config))
    assert refused.code == WRONG
    assert f"{field}: " in refused.err
    assert words in refused.err
    assert "hunter2-secret" not in refused.err
    assert shop.pipe.database.password not in refused.err
    assert f"sources/{name}" not in shop.names()


FILES = {
    "no YAML": ("kind: source\nname: [a\n", "standard input:3"),
    "tab": ("kind: source\n\tname: a\n", "standard input:2"),
    "no kind": ("name: a\n", "write `kind:`"),
    "unknown kind": ("kind: sauce\nname: a\n", "choose one of: connector, source, destination, connection"),
    "unknown field": ("kind: source\nname: a\nconnector: source-postgres\nconfig: {}\nhost: b\n", "standard input:5"),
    "unset variable": (
        "kind: source\nname: a\nconnector: source-postgres\nconfig: {password: '${NO_SUCH_VARIABLE}'}\n",
        "NO_SUCH_VARIABLE",
    ),
    "nothing": ("# only a comment\n", "describes nothing"),
}


@pytest.mark.parametrize("case", FILES)
def test_pipeline_file_with_a_mistake_names_the_line(shop: Shop, case: str) -> None:
    """Files are edited by hand; nothing of one that has a mistake may be applied."""
    text, words = FILES[case]
    before = shop.names()
    good = "kind: source\nname: would-be-made\nconnector: source-postgres\nconfig: {host: a, database: b, user: c}\n"
    refused = shop.cli("apply", "-f", "-", stdin=text if case == "nothing" else f"{text}---\n{good}")
    assert refused.code == WRONG
    assert words in refused.err
    assert shop.names() == before


UNKNOWN = {
    "source": ("connections", "create", "any", "--source", "nobody", "--destination", "nobody"),
    "connector": ("sources", "create", "any", "--connector", "source-nothing", "-c", "host=a"),
    "connection": ("sync", "nobody"),
    "job": ("cancel", "01m86qm25kh41embramxpa37kp"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_does_not_exist_is_said_to_be_missing(shop: Shop, what: str) -> None:
    """Another exit code than that of a wrong value: a script may create what is missing."""
    refused = shop.cli(*UNKNOWN[what])
    assert refused.code == MISSING, refused.err
    assert what in refused.err
    assert "Traceback" not in refused.err
