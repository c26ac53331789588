"""`towpath sync`."""

from __future__ import annotations

import click

from towpath_cli.commands.completion_names import connection_names
from towpath_cli.commands.following import started
from towpath_cli.session import Session, with_session

__all__ = ["sync"]


@click.command()
@click.argument("connection", shell_complete=connection_names)
@click.option("--follow", is_flag=True, help="Show progress until the job has ended; Ctrl-C leaves the job running.")
@click.pass_context
@with_session
def sync(session: Session, context: click.Context, *, connection: str, follow: bool) -> None:
    """Move what is new on a connection, now.

    With --follow the exit code is 0 only when every stream was delivered, and otherwise tells the kind of failure.

    \b
    towpath sync shop --follow
    """
    with session.client() as client:
        context.exit(started(session, client, client.connections.sync(connection), follow_it=follow))
