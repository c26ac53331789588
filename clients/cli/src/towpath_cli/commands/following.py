"""Watching a job to its end, and leaving it without stopping it."""

from __future__ import annotations

import click
from towpath.control.v1.jobs_pb2 import Job
from towpath_sdk.errors import KINDS, Kind, Unavailable

from towpath_cli.client import Client
from towpath_cli.failures import INTERRUPTED, exit_code_of_failure
from towpath_cli.names import short_name
from towpath_cli.render.jobs import job_details, outcome
from towpath_cli.render.messages import show
from towpath_cli.render.progress import display_for
from towpath_cli.session import Session

__all__ = ["follow", "started"]


def started(session: Session, client: Client, job: Job, *, follow_it: bool) -> int:
    """Say that a job was started, or follow it to its end; return the exit code."""
    if follow_it:
        return follow(session, client, job.name)
    show(session, job, job_details)
    session.note(f"follow it with `towpath jobs watch {short_name(job.name)}`")
    return 0


def follow(session: Session, client: Client, name: str) -> int:
    """Show a job's progress to its end and return the exit code: 0 only when it succeeded.

    Ctrl-C leaves the job alone. With JSON or YAML output, only the job at its end is written to standard output.
    """
    job: Job | None = None
    with display_for(session.err) as display:

        def broken(error: Unavailable, seconds: float) -> None:
            display.note(f"connection to the server lost ({error.message}); trying again in {seconds:g} s")

        try:
            for job in client.jobs.watch(name, broken):
                display.show(job)
        except KeyboardInterrupt:
            display.note(
                f"detached; {short_name(name)} goes on. Follow it with `towpath jobs watch {short_name(name)}`, "
                f"stop it with `towpath cancel {short_name(name)}`"
            )
            return INTERRUPTED
    if job is None:
        raise click.ClickException(f"the server told nothing about {name}")
    if session.output == "table":
        session.out.print(outcome(job), highlight=False, soft_wrap=True)
    else:
        show(session, job, job_details)
    return exit_code(job)


def exit_code(job: Job) -> int:
    """Return the exit code for a job that has ended."""
    if job.state == Job.STATE_SUCCEEDED:
        return 0
    if job.state == Job.STATE_CANCELLED:
        return KINDS[Kind.CANCELLED].exit_code
    if job.HasField("failure"):
        return exit_code_of_failure(job.failure)
    failed = (stream.failure for stream in job.streams if stream.HasField("failure"))
    return next((exit_code_of_failure(failure) for failure in failed), KINDS[Kind.BUG].exit_code)
