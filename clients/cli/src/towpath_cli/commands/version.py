"""`towpath version`."""

from __future__ import annotations

import platform
from importlib.metadata import distributions

import click

from towpath_cli import __version__
from towpath_cli.render.listing import details
from towpath_cli.render.messages import show_value
from towpath_cli.session import Session, with_session

__all__ = ["version"]


@click.command()
@with_session
def version(session: Session) -> None:
    """Print the versions of Towpath's packages here, and the server that commands talk to."""
    packages = {
        found.metadata["Name"]: found.version
        for found in distributions()
        if str(found.metadata["Name"]).startswith("towpath-")
    }
    target = session.target()
    with session.client() as client:
        reachable = client.wire.healthy(seconds=1.0)
    facts = {
        "towpath": __version__,
        "python": platform.python_version(),
        "server": target.address,
        "serverState": "serving" if reachable else "not reachable",
        "packages": dict(sorted(packages.items())),
    }
    if session.output != "table":
        show_value(session, facts)
        return
    session.out.print(
        details(
            [
                ("towpath", __version__),
                ("Python", platform.python_version()),
                ("Server", f"{target.address} ({facts['serverState']})"),
                *sorted(packages.items()),
            ]
        )
    )
