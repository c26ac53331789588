"""`towpath audit`."""

from __future__ import annotations

import click

from towpath_cli.render import access as render
from towpath_cli.render.messages import show_list
from towpath_cli.session import Session, with_session

__all__ = ["audit"]


@click.command()
@click.option("--resource", default="", metavar="NAME", help="Only changes of this, such as sources/shop.")
@click.option("--actor", default="", metavar="NAME", help="Only changes by this caller, such as tokens/ci.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most this many.")
@with_session
def audit(session: Session, resource: str, actor: str, limit: int) -> None:
    """Show who changed what, and who looked at rows, newest first; for admins.

    \b
    towpath audit --resource connections/shop
    """
    with session.client() as client:
        show_list(session, "events", client.audit.latest(limit, resource, actor), render.events)
