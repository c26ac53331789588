"""Completion of resource names: asks the server, briefly, and stays silent when it does not answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import click
from towpath_sdk.errors import TowpathError

from towpath_cli.client import Client
from towpath_cli.names import short_name
from towpath_cli.target import Target, find_target

__all__ = ["connection_names", "connector_names", "destination_names", "job_names", "source_names", "token_names"]

_MOST = 200
_RECENT_JOBS = 20

Completion = Callable[[click.Context, click.Parameter, str], list[str]]


def _complete(names: Callable[[Client], Iterable[str]]) -> Completion:
    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        try:
            with Client(_target()) as client:
                if not client.wire.healthy(seconds=1.0):
                    return []
                found = islice((short_name(name) for name in names(client)), _MOST)
                return [name for name in found if name.startswith(incomplete)]
        except TowpathError:
            # There is nobody to tell: the shell shows what a completion prints as choices.
            return []

    return complete


def _target() -> Target:
    return find_target(
        server=os.environ.get("TOWPATH_SERVER"),
        token_file=_path("TOWPATH_TOKEN_FILE"),
        ca_file=_path("TOWPATH_CA_FILE"),
        tls=bool(os.environ.get("TOWPATH_TLS")),
        data_dir=None,
        environ=os.environ,
    )


def _path(variable: str) -> Path | None:
    text = os.environ.get(variable)
    return Path(text) if text else None


connector_names = _complete(lambda client: (one.name for one in client.connectors.all()))
source_names = _complete(lambda client: (one.name for one in client.sources.all()))
destination_names = _complete(lambda client: (one.name for one in client.destinations.all()))
connection_names = _complete(lambda client: (one.name for one in client.connections.all()))
token_names = _complete(lambda client: (one.name for one in client.tokens.all()))
job_names = _complete(lambda client: (one.name for one in client.jobs.all(limit=_RECENT_JOBS)))
