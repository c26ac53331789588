"""Options by which `sources` and `destinations` are configured, and the outcome of their checks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import ParamSpec, TypeAlias, TypeVar

import click
from rich.live import Live
from towpath.connector.v1.connector_pb2 import CheckResult
from towpath.control.v1.destinations_pb2 import WatchCheckDestinationResponse
from towpath.control.v1.sources_pb2 import WatchCheckSourceResponse
from towpath_sdk.status import from_status

from towpath_cli.client import Client
from towpath_cli.configs import add_assignments, ask_for_secrets, config_from_file
from towpath_cli.json_values import JsonObject, load_object
from towpath_cli.render import connectors as render
from towpath_cli.render.messages import show_list
from towpath_cli.session import Session

__all__ = ["changed_config", "config_options", "new_config", "show_check"]

P = ParamSpec("P")
R = TypeVar("R")
Step: TypeAlias = WatchCheckSourceResponse | WatchCheckDestinationResponse


def config_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--config-file` and `--config`."""
    command = click.option(
        "--config", "-c", "assignments", multiple=True, metavar="KEY=VALUE",
        help="Set one field; KEY=@FILE and 'KEY=${VARIABLE}' keep secrets off the command line. Repeatable.",
    )(command)  # fmt: skip
    return click.option(
        "--config-file", "-f", metavar="FILE",
        help="Configuration as YAML or JSON, ${VARIABLE} replaced; - reads standard input.",
    )(command)  # fmt: skip


def new_config(client: Client, connector: str, config_file: str | None, assignments: Sequence[str]) -> JsonObject:
    """Put a configuration together from file and assignments, and ask for required secrets on a terminal."""
    schema = load_object(client.connectors.get(connector).spec.config_json_schema)
    config = config_from_file(config_file, os.environ) if config_file else {}
    config = add_assignments(config, assignments, schema, os.environ)
    return ask_for_secrets(config, schema, _prompt if sys.stdin.isatty() else None)


def changed_config(
    client: Client, connector: str, stored_json: str, config_file: str | None, assignments: Sequence[str]
) -> JsonObject:
    """Replace the stored configuration by the file's, if there is one, and set the assignments in it."""
    if not config_file and not assignments:
        raise click.UsageError("nothing to change; give --config KEY=VALUE or --config-file FILE")
    schema = load_object(client.connectors.get(connector).spec.config_json_schema)
    config = config_from_file(config_file, os.environ) if config_file else load_object(stored_json)
    return add_assignments(config, assignments, schema, os.environ)


def show_check(session: Session, steps: Iterable[Step]) -> int:
    """Write the probes and return the exit code: that of the first failed probe's kind, 0 when all passed.

    On a terminal each probe is there as soon as it has ended.
    """
    results: Sequence[CheckResult] = ()
    terminal = session.out.is_terminal and not session.out.is_dumb_terminal
    if session.output == "table" and terminal:
        with Live(console=session.out, auto_refresh=False) as live:
            for step in steps:
                results = step.results
                live.update(render.check_results(results, step.running), refresh=True)
    else:
        for step in steps:
            results = step.results
        show_list(session, "results", results, render.check_results)
    for result in results:
        if result.status.code != 0:
            return from_status(result.status).rule.exit_code
    return 0


def _prompt(name: str) -> str:
    return str(click.prompt(name, hide_input=True, err=True))
