"""`towpath up`, the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from rich.text import Text
from towpath_cli.endpoint import Endpoint, default_data_dir
from towpath_cli.render.listing import details
from towpath_cli.session import Session, with_session

from towpath_local.addresses import PortWishes
from towpath_local.up import Told, run

__all__ = ["up"]

_port = click.IntRange(1, 65535)


@click.command()
@click.option("--port", type=_port, help="Port of the server, for the CLI and other clients.  [default: 7070]")
@click.option("--temporal-port", type=_port, help="Port of Temporal.  [default: 7071]")
@click.option("--temporal-ui-port", type=_port, help="Port of Temporal's web interface.  [default: 7072]")
@click.option("--web-port", type=_port, help="Port of the web client and of grpc-web.  [default: 7073]")
@with_session
def up(
    session: Session, port: int | None, temporal_port: int | None, temporal_ui_port: int | None, web_port: int | None
) -> None:
    """Run all of Towpath on this machine: Temporal, the server, a worker, the web client, the connectors.

    Everything is kept in one folder, --data-dir, and found again by the next start. Everything listens on the loopback
    address only, without a token. Ctrl-C stops it; jobs go on from their last commit with the next start. A port
    that is taken is replaced by a free one, unless you asked for it.

    \b
    towpath up
    towpath up --data-dir ./towpath --port 8080
    """
    root = session.data_dir or default_data_dir()
    session.note(f"starting Towpath in {root} …")
    run(root, PortWishes(port, temporal_port, temporal_ui_port, web_port), Told(session.note, _ready(session)))
    session.note("stopped; nothing is lost, start it again with the same command")


def _ready(session: Session) -> Callable[[Endpoint, float], None]:
    def show(endpoint: Endpoint, seconds: float) -> None:
        session.out.print(Text(f"Towpath is ready, after {seconds:.1f} s", style="bold green"))
        session.out.print(
            details(
                [
                    *([("Web", endpoint.web)] if endpoint.web else []),
                    ("Server", f"{endpoint.address}  (gRPC)"),
                    ("Temporal", f"{endpoint.temporal_address}, web interface {endpoint.temporal_ui}"),
                    ("Data", endpoint.data_dir),
                    ("Logs", str(Path(endpoint.data_dir) / "logs")),
                    ("Next", "towpath apply -f pipeline.yaml, or towpath sources create --help; Ctrl-C stops"),
                ]
            )
        )
        session.out.file.flush()

    return show
