"""What every command needs: options that lead to a server, the output format, and the consoles to write to."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, cast

import click
from rich.console import Console

from towpath_cli.client import Client
from towpath_cli.target import Target, find_target

__all__ = ["OutputFormat", "Session", "server_options", "with_session"]

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., object])

OutputFormat = Literal["table", "json", "yaml"]

_WIDE = 4096
"""Columns of a "terminal" that is a file or a pipe: nothing is ever cut or wrapped there."""


@dataclass
class _Chosen:
    """Options as given so far: those of the command itself override those of `towpath`."""

    server: str | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    tls: bool = False
    data_dir: Path | None = None
    output: OutputFormat = "table"


@dataclass(frozen=True)
class Session:
    """One run of the command.

    `out` receives results and nothing else; `err` receives progress notes, warnings and errors.
    """

    chosen: _Chosen
    out: Console = field(default_factory=lambda: _console(stderr=False))
    err: Console = field(default_factory=lambda: _console(stderr=True))

    @property
    def output(self) -> OutputFormat:
        """Format of results."""
        return self.chosen.output

    @property
    def data_dir(self) -> Path | None:
        """Data folder as given; None for the default one."""
        return self.chosen.data_dir

    def target(self) -> Target:
        """Decide which server to talk to. Raises Misconfigured."""
        chosen = self.chosen
        return find_target(
            server=chosen.server,
            token_file=chosen.token_file,
            ca_file=chosen.ca_file,
            tls=chosen.tls,
            data_dir=chosen.data_dir,
            environ=os.environ,
        )

    def client(self) -> Client:
        """Open a client; use it as a context manager."""
        target = self.target()
        if target.token and not target.tls and not target.loopback:
            self.note(f"warning: the token travels to {target.address} unencrypted; use --tls or --ca-file")
        return Client(target)

    def note(self, text: str) -> None:
        """Write one line for people to standard error."""
        self.err.print(text, markup=False, highlight=False, soft_wrap=True)


def with_session(command: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Give a click command the options that lead to a server, and a Session as its first argument."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return command(Session(click.get_current_context().ensure_object(_Chosen)), *args, **kwargs)

    return server_options(environment=False)(cast("Callable[P, R]", run))


def server_options(*, environment: bool) -> Callable[[F], F]:
    """Add the options that lead to a server; with `environment`, their environment variables count too."""

    def variable(name: str) -> str | None:
        return name if environment else None

    path = click.Path(path_type=Path)
    options = (
        click.option(
            "-o",
            "--output",
            type=click.Choice(["table", "json", "yaml"]),
            envvar=variable("TOWPATH_OUTPUT"),
            help="Format of results; json is the proto's own.",
            **_KEEP,
        ),
        click.option(
            "--server",
            metavar="HOST:PORT",
            envvar=variable("TOWPATH_SERVER"),
            help="Server to talk to; by default the one of `towpath up`.",
            **_KEEP,
        ),
        click.option(
            "--token-file",
            type=path,
            envvar=variable("TOWPATH_TOKEN_FILE"),
            help="File with the token; or set TOWPATH_TOKEN.",
            **_KEEP,
        ),
        click.option(
            "--ca-file",
            type=path,
            envvar=variable("TOWPATH_CA_FILE"),
            help="Certificates (PEM) that vouch for the server; implies --tls.",
            **_KEEP,
        ),
        click.option(
            "--tls",
            is_flag=True,
            default=None,
            envvar=variable("TOWPATH_TLS"),
            help="Encrypt, trusting the certificates of this machine.",
            **_KEEP,
        ),
        click.option(
            "--data-dir",
            type=path,
            help="Folder of `towpath up`; by default $TOWPATH_HOME or ~/.towpath.",
            **_KEEP,
        ),
    )

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    if value is not None:
        setattr(context.ensure_object(_Chosen), str(parameter.name), value)
    return value


_KEEP: dict[str, Any] = {"expose_value": False, "callback": _keep}


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDE)
