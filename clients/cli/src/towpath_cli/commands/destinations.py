"""`towpath destinations`."""

from __future__ import annotations

import click

from towpath_cli.commands.completion_names import connector_names, destination_names
from towpath_cli.commands.endpoint_config import changed_config, config_options, new_config, show_check
from towpath_cli.render import connectors as render
from towpath_cli.render.messages import show, show_list
from towpath_cli.session import Session, with_session

__all__ = ["destinations"]

_name = click.argument("name", shell_complete=destination_names)


@click.group()
def destinations() -> None:
    """Where rows go to."""


@destinations.command("list")
@with_session
def list_destinations(session: Session) -> None:
    """List destinations."""
    with session.client() as client:
        show_list(
            session, "destinations", client.destinations.all(), lambda found: render.configured(found, "destination")
        )


@destinations.command()
@_name
@with_session
def get(session: Session, name: str) -> None:
    """Show a destination; its secrets are masked."""
    with session.client() as client:
        show(session, client.destinations.get(name), render.configured_details)


@destinations.command()
@click.argument("name")
@click.option("--connector", required=True, shell_complete=connector_names, help="Connector to use.")
@config_options
@with_session
def create(session: Session, name: str, connector: str, config_file: str | None, assignments: tuple[str, ...]) -> None:
    """Create a destination. It is stored, not contacted: try it out with `towpath destinations check`.

    \b
    towpath destinations create lake --connector destination-s3 \\
        -c bucket=lake -c region=eu-central-1 -c access_key_id=AKIA… -c 'secret_access_key=${AWS_SECRET}'
    """
    with session.client() as client:
        config = new_config(client, connector, config_file, assignments)
        show(session, client.destinations.create(name, connector, config), render.configured_details)


@destinations.command()
@_name
@config_options
@with_session
def update(session: Session, name: str, config_file: str | None, assignments: tuple[str, ...]) -> None:
    """Change fields of a destination, or with --config-file all of it. Secrets that are not given keep their value."""
    with session.client() as client:
        present = client.destinations.get(name)
        config = changed_config(client, present.connector, present.config_json, config_file, assignments)
        show(session, client.destinations.update(name, config, present.etag), render.configured_details)


@destinations.command()
@_name
@with_session
def delete(session: Session, name: str) -> None:
    """Forget a destination that no connection uses."""
    with session.client() as client:
        client.destinations.delete(name)
    session.note(f"deleted destination {name}")


@destinations.command()
@_name
@click.pass_context
@with_session
def check(session: Session, context: click.Context, name: str) -> None:
    """Try the configuration out, probe by probe. The exit code tells the kind of the first failure."""
    with session.client() as client:
        context.exit(show_check(session, client.destinations.watch_check(name)))
