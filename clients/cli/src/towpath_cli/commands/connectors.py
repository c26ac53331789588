"""`towpath connectors`."""

from __future__ import annotations

import click

from towpath_cli.commands.completion_names import connector_names
from towpath_cli.render import connectors as render
from towpath_cli.render.messages import show, show_list
from towpath_cli.session import Session, with_session

__all__ = ["connectors"]

_name = click.argument("name", shell_complete=connector_names)


@click.group()
def connectors() -> None:
    """Programs that read a source or write a destination."""


@connectors.command("list")
@with_session
def list_connectors(session: Session) -> None:
    """List registered connectors."""
    with session.client() as client:
        show_list(session, "connectors", client.connectors.all(), render.connectors)


@connectors.command()
@_name
@with_session
def get(session: Session, name: str) -> None:
    """Show a connector and the fields of its configuration."""
    with session.client() as client:
        show(session, client.connectors.get(name), render.connector_details)


@connectors.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@with_session
def create(session: Session, name: str, command: tuple[str, ...]) -> None:
    """Register the COMMAND that starts a connector on a worker; it is started once to learn what it is.

    \b
    towpath connectors create my-source -- /opt/my-source/bin/serve
    """
    with session.client() as client:
        show(session, client.connectors.create(name, command), render.connector_details)


@connectors.command(context_settings={"ignore_unknown_options": True})
@_name
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@with_session
def update(session: Session, name: str, command: tuple[str, ...]) -> None:
    """Change the COMMAND of a connector, or with none given read its description again after an upgrade."""
    with session.client() as client:
        present = client.connectors.get(name)
        show(
            session, client.connectors.update(name, command or present.command, present.etag), render.connector_details
        )


@connectors.command()
@_name
@with_session
def delete(session: Session, name: str) -> None:
    """Forget a connector that no source or destination uses."""
    with session.client() as client:
        client.connectors.delete(name)
    session.note(f"deleted connector {name}")
