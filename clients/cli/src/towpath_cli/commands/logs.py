"""`towpath logs`."""

from __future__ import annotations

import click
from towpath.connector.v1.types_pb2 import LogEntry
from towpath_sdk.errors import Unavailable

from towpath_cli.commands.completion_names import job_names
from towpath_cli.failures import INTERRUPTED
from towpath_cli.names import short_name
from towpath_cli.render.jobs import log_line
from towpath_cli.render.messages import to_json_line
from towpath_cli.session import Session, with_session

__all__ = ["logs"]

_LEVELS = {
    "debug": LogEntry.LEVEL_DEBUG,
    "info": LogEntry.LEVEL_INFO,
    "warn": LogEntry.LEVEL_WARN,
    "error": LogEntry.LEVEL_ERROR,
}


@click.command()
@click.argument("job", shell_complete=job_names)
@click.option("--follow", is_flag=True, help="Wait for more until the job has ended.")
@click.option("--level", type=click.Choice(list(_LEVELS)), help="Only lines of at least this severity.")
@click.option("--after", type=int, default=0, metavar="SEQ", help="Only lines after this position.")
@click.pass_context
@with_session
def logs(session: Session, context: click.Context, *, job: str, follow: bool, level: str | None, after: int) -> None:
    """Print the log of a job: its source, its destination, the worker and the server.

    With --output json, each line is one JSON object.

    \b
    towpath logs 01jd3k… --follow --level warn
    """

    def broken(error: Unavailable, seconds: float) -> None:
        session.note(f"connection to the server lost ({error.message}); trying again in {seconds:g} s")

    minimum = _LEVELS[level] if level else LogEntry.LEVEL_UNSPECIFIED
    with session.client() as client:
        lines = client.jobs.logs(job, after_seq=after, follow=follow, minimum_level=minimum, on_retry=broken)
        try:
            for line in lines:
                if session.output == "table":
                    session.out.print(log_line(line), soft_wrap=True)
                else:
                    click.echo(to_json_line(line))
        except KeyboardInterrupt:
            session.note(f"detached; {short_name(job)} goes on. Stop it with `towpath cancel {short_name(job)}`")
            context.exit(INTERRUPTED)
