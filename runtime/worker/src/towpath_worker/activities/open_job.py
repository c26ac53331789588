"""Open the job of a scheduled run."""

from __future__ import annotations

from temporalio import activity
from towpath.runtime.v1 import worker_pb2
from towpath_contracts import OPEN_JOB, OpenedJob, OpenJobInput
from towpath_sdk import traces

from towpath_worker.activities.outcome import application_error
from towpath_worker.activities.parts import Parts
from towpath_worker.failures import Located
from towpath_worker.server.channel import for_seconds

__all__ = ["OpenJobActivity"]

_PATIENCE = 30.0


class OpenJobActivity:
    """Holds what the activity needs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @activity.defn(name=OPEN_JOB)
    async def open_job(self, run: OpenJobInput) -> OpenedJob:
        """Create the job; none when another job of the connection is active. A repetition finds the same job again."""
        traces.current().mark(connection=run.connection)
        server = self._parts.server
        request = worker_pb2.OpenJobRequest(connection=run.connection, run_id=run.run_id)
        try:
            answer = await server.call(server.runs.OpenJob, request, patience=for_seconds(_PATIENCE))
        except Located as failure:
            if failure.error.reason == "JOB_ACTIVE":
                return OpenedJob(None)
            raise application_error(failure) from failure
        traces.current().mark(job=answer.job)
        return OpenedJob(answer.job)
