"""Ends jobs: the one place where a job becomes terminal."""

from __future__ import annotations

from dataclasses import replace

from towpath_server.domain.job import Job, JobState
from towpath_server.domain.log import LogLevel, LogLine
from towpath_server.domain.publication import Outcome
from towpath_server.use_cases.requests import now
from towpath_server.use_cases.store import Records

__all__ = ["end_job"]

_WORDS = {JobState.SUCCEEDED: "job succeeded", JobState.FAILED: "job failed", JobState.CANCELLED: "job cancelled"}


async def end_job(records: Records, job: Job, outcome: Outcome) -> Job:
    """Store the outcome of a job that is locked, and return it.

    The epoch rises once more, so that whatever a forgotten attempt still sends is fenced.
    """
    time = now()
    for stream in await records.jobs.streams(job.id):
        state, failure = outcome.streams[stream.index]
        await records.jobs.save_stream(job.id, replace(stream, state=state, failure=failure, samples=()))
    ended = replace(
        job,
        state=outcome.state,
        failure=outcome.failure,
        epoch=job.epoch + 1,
        end_time=time,
        seen_time=time,
    )
    await records.jobs.save(ended)
    attributes = (
        {} if outcome.failure is None else {"reason": outcome.failure.reason, "failure": outcome.failure.message}
    )
    level = LogLevel.ERROR if outcome.state is JobState.FAILED else LogLevel.INFO
    await records.logs.append(job.id, [LogLine(time, level, "server", _WORDS[outcome.state], attributes)])
    return ended
