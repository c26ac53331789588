"""`towpath connections`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from towpath.control.v1.connections_pb2 import Connection

from towpath_cli.commands.completion_names import connection_names, destination_names, source_names
from towpath_cli.commands.connection_options import (
    STREAM_OPTION,
    ConnectionChoice,
    connection_options,
    parse_stream_option,
)
from towpath_cli.commands.following import started
from towpath_cli.names import pick_streams, resource_name, short_name, stream_text
from towpath_cli.render import connections as render
from towpath_cli.render.messages import show, show_list
from towpath_cli.session import Session, with_session

__all__ = ["connections"]

_name = click.argument("name", shell_complete=connection_names)
_streams = click.option("--stream", "streams", multiple=True, metavar="STREAM", help="Only this one. Repeatable.")
_follow = click.option("--follow", is_flag=True, help="Show progress until the job has ended.")
_yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


@click.group()
def connections() -> None:
    """What moves from a source to a destination, and when."""


@connections.command("list")
@with_session
def list_connections(session: Session) -> None:
    """List connections and their latest jobs."""
    with session.client() as client:
        show_list(session, "connections", client.connections.all(), render.connections)


@connections.command()
@_name
@with_session
def get(session: Session, name: str) -> None:
    """Show a connection and its streams."""
    with session.client() as client:
        show(session, client.connections.get(name), render.connection_details)


@connections.command()
@click.argument("name")
@click.option("--source", required=True, shell_complete=source_names, help="Source to read.")
@click.option("--destination", required=True, shell_complete=destination_names, help="Destination to write.")
@connection_options
@with_session
def create(session: Session, name: str, source: str, destination: str, choice: ConnectionChoice) -> None:
    """Connect a source with a destination. Without --stream, every stream of the source is selected.

    \b
    towpath connections create shop --source shop-db --destination lake --every 15m \\
        --stream public.orders,read=incremental,cursor=updated_at --stream public.products
    """
    connection = Connection(
        source=resource_name("sources", source), destination=resource_name("destinations", destination)
    )
    choice.apply(connection)
    with session.client() as client:
        show(session, client.connections.create(name, connection), render.connection_details)


@connections.command()
@click.argument("name", required=False, shell_complete=connection_names)
@click.option("--source", shell_complete=source_names, help="Source of a connection that is not there yet.")
@click.option("--destination", shell_complete=destination_names, help="Its destination.")
@STREAM_OPTION
@with_session
def preview(
    session: Session, name: str | None, source: str | None, destination: str | None, streams: tuple[str, ...]
) -> None:
    """Show where rows would be found, and which columns the destination stores in another form. Nothing is changed.

    \b
    towpath connections preview shop
    towpath connections preview --source shop-db --destination lake --stream public.orders
    """
    if (name is None) != bool(source and destination):
        raise click.UsageError("give the NAME of a connection, or --source and --destination of one to come")
    with session.client() as client:
        if name is not None:
            connection = client.connections.get(name)
        else:
            connection = Connection(
                source=resource_name("sources", source or ""),
                destination=resource_name("destinations", destination or ""),
            )
        if streams:
            del connection.streams[:]
            connection.streams.extend(parse_stream_option(text) for text in streams)
        show_list(session, "streams", client.connections.plan(connection), render.stream_plans)


@connections.command()
@_name
@connection_options
@with_session
def update(session: Session, name: str, choice: ConnectionChoice) -> None:
    """Change what is given, and keep the rest. The streams that are given replace all streams.

    A stream whose read mode or cursor changes starts over with its next run.
    """
    with session.client() as client:
        connection = client.connections.get(name)
        paths = choice.apply(connection)
        if not paths:
            raise click.UsageError("nothing to change; see the options")
        show(session, client.connections.update(connection, paths), render.connection_details)


@connections.command()
@_name
@_yes
@with_session
def delete(session: Session, *, name: str, yes: bool) -> None:
    """Remove a connection, its schedule, states and job history. Delivered data stay."""
    if not yes:
        click.confirm(f"Remove connection {name} with its states and history?", abort=True, err=True)
    with session.client() as client:
        client.connections.delete(name)
    session.note(f"deleted connection {name}; the delivered data stay where they are")


@connections.command()
@_name
@with_session
def pause(session: Session, name: str) -> None:
    """Stop the schedule. A running job goes on, and `towpath sync` still works."""
    with session.client() as client:
        show(session, client.connections.pause(name), render.connection_details)


@connections.command()
@_name
@with_session
def resume(session: Session, name: str) -> None:
    """Start the schedule again."""
    with session.client() as client:
        show(session, client.connections.resume(name), render.connection_details)


@connections.command()
@_name
@_streams
@_follow
@click.pass_context
@with_session
def refresh(session: Session, context: click.Context, *, name: str, streams: tuple[str, ...], follow: bool) -> None:
    """Read from the start into a new generation; the old one stays until the new one is complete."""
    with session.client() as client:
        chosen = pick_streams((stream.name for stream in client.connections.get(name).streams), streams)
        context.exit(started(session, client, client.connections.refresh(name, chosen), follow_it=follow))


@connections.command()
@_name
@_streams
@_follow
@_yes
@click.pass_context
@with_session
def clear(
    session: Session, context: click.Context, *, name: str, streams: tuple[str, ...], follow: bool, yes: bool
) -> None:
    """Remove what a connection delivered, and its states."""
    if not yes:
        what = ", ".join(streams) or "all streams"
        click.confirm(f"Remove the delivered data of {what} of {name}?", abort=True, err=True)
    with session.client() as client:
        chosen = pick_streams((stream.name for stream in client.connections.get(name).streams), streams)
        context.exit(started(session, client, client.connections.clear(name, chosen), follow_it=follow))


@connections.command("schema-changes")
@_name
@with_session
def schema_changes(session: Session, name: str) -> None:
    """Show which streams came with another schema than before, and what was done about it."""
    with session.client() as client:
        show_list(session, "changes", client.connections.schema_changes(name), render.schema_changes)


@connections.command()
@_name
@click.option("--reset", metavar="STREAM", help="Drop the state of this stream: its next run reads it from the start.")
@click.option(
    "--set", "edited", metavar="STREAM", help="Let the next run of this stream go on from the state in --file."
)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    default="-",
    help="Where --set finds the state; - means standard input.",
)
@_yes
@with_session
def state(session: Session, *, name: str, reset: str | None, edited: str | None, file: str, yes: bool) -> None:
    """Show up to where each stream was delivered.

    With --set the rows between the two states are skipped, or delivered again. A state that the source does not
    understand fails the next run; another --set, or --reset, mends that.

    \b
    towpath connections state shop -o json                          # states are base64 there
    towpath connections state shop --set public.orders --file state.txt
    """
    if reset and edited:
        raise click.UsageError("use --reset or --set, not both")
    with session.client() as client:
        if reset:
            [stream] = pick_streams((one.name for one in client.connections.get(name).streams), [reset])
            client.connections.reset_state(name, stream)
            session.note(f"dropped the state of {stream_text(stream)} in {short_name(name)}")
        if edited:
            found = client.connections.states(name)
            [stream] = pick_streams((one.name for one in found), [edited])
            seen = next(one for one in found if one.name == stream)
            wanted = _state_in(file)
            if not yes:
                question = f"Let the next run of {stream_text(stream)} in {short_name(name)} go on from another state?"
                click.confirm(question, abort=True, err=True)
            client.connections.update_state(name, seen, wanted)
            session.note(f"changed the state of {stream_text(stream)} in {short_name(name)}")
        show_list(session, "states", client.connections.states(name), render.stream_states)


def _state_in(file: str) -> bytes:
    content = sys.stdin.read().encode() if file == "-" else Path(file).read_bytes()
    return content.removesuffix(b"\n")
