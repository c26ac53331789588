"""`towpath jobs` and `towpath cancel`."""

from __future__ import annotations

import click

from towpath_cli.commands.completion_names import connection_names, job_names
from towpath_cli.commands.following import follow
from towpath_cli.names import short_name
from towpath_cli.render import jobs as render
from towpath_cli.render.messages import show, show_list
from towpath_cli.session import Session, with_session

__all__ = ["cancel", "jobs"]

_job = click.argument("job", shell_complete=job_names)


@click.group()
def jobs() -> None:
    """Runs of connections."""


@jobs.command("list")
@click.option("--connection", shell_complete=connection_names, help="Only jobs of this connection.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many, the newest.")
@with_session
def list_jobs(session: Session, connection: str | None, limit: int) -> None:
    """List jobs, newest first."""
    with session.client() as client:
        show_list(session, "jobs", client.jobs.all(connection, limit), render.jobs)


@jobs.command()
@_job
@with_session
def get(session: Session, job: str) -> None:
    """Show a job with its attempts and streams."""
    with session.client() as client:
        show(session, client.jobs.get(job), render.job_details)


@jobs.command()
@_job
@click.pass_context
@with_session
def watch(session: Session, context: click.Context, job: str) -> None:
    """Follow a job to its end; Ctrl-C leaves it running. The exit code is that of `towpath sync --follow`."""
    with session.client() as client:
        context.exit(follow(session, client, job))


@click.command()
@_job
@with_session
def cancel(session: Session, job: str) -> None:
    """Ask a job to stop. Its connectors stop within seconds; what was committed stays."""
    with session.client() as client:
        cancelled = client.jobs.cancel(job)
    if session.output == "table":
        session.out.print(f"{short_name(cancelled.name)} {render.job_state(cancelled.state)}")
    else:
        show(session, cancelled, render.job_details)


jobs.add_command(cancel)
