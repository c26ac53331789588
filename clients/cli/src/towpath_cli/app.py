"""The `towpath` command: its own subcommands, and those of other packages (entry points of `towpath.commands`).

A subcommand is imported when it is asked for, so that `towpath logs` does not wait for what `towpath apply` needs.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

import click

from towpath_cli import __version__
from towpath_cli.failures import HungUp
from towpath_cli.session import server_options

__all__ = ["towpath"]

_PLUGINS = "towpath.commands"

_MODULES = {
    "sync": "sync",
    "logs": "logs",
    "cancel": "jobs",
    "apply": "apply",
    "connections": "connections",
    "sources": "sources",
    "destinations": "destinations",
    "connectors": "connectors",
    "jobs": "jobs",
    "tokens": "tokens",
    "whoami": "tokens",
    "audit": "audit",
    "completion": "completion",
    "version": "version",
}
"""Subcommands in the order of the help, and the module of `towpath_cli.commands` that each is in."""


class Commands(click.Group):
    """A group that finds its subcommands by name, here and in other installed packages."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command. Raises HungUp for a broken pipe, for which click and rich would end the process with 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise HungUp from error
        except SystemExit as end:
            if isinstance(end.__context__, BrokenPipeError):
                raise HungUp from end
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return all names: those of other packages, of which `up` comes first in a user's day, then our own."""
        return [*sorted(entry_points(group=_PLUGINS).names - _MODULES.keys()), *_MODULES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # likewise
        """Return a command by name; None when no package brings it."""
        if cmd_name in _MODULES:
            module = import_module(f"towpath_cli.commands.{_MODULES[cmd_name]}")
            return cast("click.Command", getattr(module, cmd_name))
        for entry_point in entry_points(group=_PLUGINS, name=cmd_name):
            return cast("click.Command", entry_point.load())
        return None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@server_options(environment=True)
@click.version_option(__version__, message="towpath %(version)s")
def towpath() -> None:
    """Move data from sources to destinations; every row arrives once.

    \b
    towpath up                        run all of Towpath on this machine
    towpath apply -f pipeline.yaml    create or change what a file describes
    towpath sync shop --follow        move what is new, and watch it
    """
