"""`towpath sources`."""

from __future__ import annotations

import click

from towpath_cli.commands.completion_names import connector_names, source_names
from towpath_cli.commands.endpoint_config import changed_config, config_options, new_config, show_check
from towpath_cli.names import parse_stream
from towpath_cli.render import connectors as render
from towpath_cli.render.messages import show, show_list
from towpath_cli.render.previews import preview as render_preview
from towpath_cli.session import Session, with_session

__all__ = ["sources"]

_name = click.argument("name", shell_complete=source_names)


@click.group()
def sources() -> None:
    """Where rows come from."""


@sources.command("list")
@with_session
def list_sources(session: Session) -> None:
    """List sources."""
    with session.client() as client:
        show_list(session, "sources", client.sources.all(), lambda found: render.configured(found, "source"))


@sources.command()
@_name
@with_session
def get(session: Session, name: str) -> None:
    """Show a source; its secrets are masked."""
    with session.client() as client:
        show(session, client.sources.get(name), render.configured_details)


@sources.command()
@click.argument("name")
@click.option("--connector", required=True, shell_complete=connector_names, help="Connector to use.")
@config_options
@with_session
def create(session: Session, name: str, connector: str, config_file: str | None, assignments: tuple[str, ...]) -> None:
    """Create a source. It is stored, not contacted: try it out with `towpath sources check`.

    \b
    towpath sources create shop-db --connector source-postgres \\
        -c host=db.example.com -c database=shop -c user=towpath -c password=@password.txt
    """
    with session.client() as client:
        config = new_config(client, connector, config_file, assignments)
        show(session, client.sources.create(name, connector, config), render.configured_details)


@sources.command()
@_name
@config_options
@with_session
def update(session: Session, name: str, config_file: str | None, assignments: tuple[str, ...]) -> None:
    """Change fields of a source, or with --config-file all of it. Secrets that are not given keep their value."""
    with session.client() as client:
        present = client.sources.get(name)
        config = changed_config(client, present.connector, present.config_json, config_file, assignments)
        show(session, client.sources.update(name, config, present.etag), render.configured_details)


@sources.command()
@_name
@with_session
def delete(session: Session, name: str) -> None:
    """Forget a source that no connection uses."""
    with session.client() as client:
        client.sources.delete(name)
    session.note(f"deleted source {name}")


@sources.command()
@_name
@click.pass_context
@with_session
def check(session: Session, context: click.Context, name: str) -> None:
    """Try the configuration out, probe by probe. The exit code tells the kind of the first failure."""
    with session.client() as client:
        context.exit(show_check(session, client.sources.watch_check(name)))


@sources.command()
@_name
@with_session
def discover(session: Session, name: str) -> None:
    """List the streams that a source offers: tables, views, and how each can be read."""
    with session.client() as client:
        show_list(session, "streams", client.sources.discover(name), render.catalog)


@sources.command()
@_name
@click.argument("stream")
@click.option("--rows", type=click.IntRange(1, 100), default=20, show_default=True, help="How many rows to show.")
@click.option("--column", "columns", multiple=True, metavar="COLUMN", help="Only this one. Repeatable.")
@with_session
def preview(session: Session, name: str, stream: str, rows: int, columns: tuple[str, ...]) -> None:
    """Show the first rows of a stream. The audit trail tells that you looked.

    \b
    towpath sources preview shop-db public.orders --rows 5
    """
    with session.client() as client:
        show(session, client.sources.preview(name, parse_stream(stream), columns, rows), render_preview)
