"""`towpath connectors`."""

from __future__ import annotations

import click

from towpath_cli.commands.completion_names import connector_names
from towpath_cli.limits import parse_limits
from towpath_cli.render import connectors as render
from towpath_cli.render.messages import show, show_list
from towpath_cli.session import Session, with_session

__all__ = ["connectors"]

_name = click.argument("name", shell_complete=connector_names)
_image = click.option("--image", default="", metavar="IMAGE", help="Start it as a container of this image.")
_limits = click.option(
    "--limits",
    metavar="WORD=VALUE,…",
    help="What a container may use: memory=512MiB, cpus=0.5, processes=128, temporary=64MiB; others are the worker's.",
)


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
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@_image
@_limits
@with_session
def create(session: Session, name: str, command: tuple[str, ...], image: str, limits: str | None) -> None:
    """Register the COMMAND that starts a connector on a worker, or an image; it is started once to learn what it is.

    \b
    towpath connectors create my-source -- /opt/my-source/bin/serve
    towpath connectors create my-source --image registry.example.com/my-source:1.2 --limits cpus=0.5
    """
    if bool(command) == bool(image):
        raise click.UsageError("give a COMMAND or --image")
    with session.client() as client:
        bounds = parse_limits(limits or "")
        made = client.connectors.create(name, command, image=image, limits=bounds)
        show(session, made, render.connector_details)


@connectors.command(context_settings={"ignore_unknown_options": True})
@_name
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@_image
@_limits
@with_session
def update(session: Session, name: str, command: tuple[str, ...], image: str, limits: str | None) -> None:
    """Change what starts a connector, or its limits; with nothing given read its description again after an upgrade."""
    if command and image:
        raise click.UsageError("give a COMMAND or --image")
    with session.client() as client:
        present = client.connectors.get(name)
        if not command and not image:
            command, image = tuple(present.command), present.image
        bounds = present.limits if limits is None else parse_limits(limits)
        changed = client.connectors.update(name, command, present.etag, image=image, limits=bounds)
        show(session, changed, render.connector_details)


@connectors.command()
@_name
@with_session
def delete(session: Session, name: str) -> None:
    """Forget a connector that no source or destination uses."""
    with session.client() as client:
        client.connectors.delete(name)
    session.note(f"deleted connector {name}")
