"""towpath.control.v1.JobService."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from itertools import starmap

from towpath.control.v1 import jobs_pb2, jobs_pb2_grpc

from towpath_server.api.context import Context
from towpath_server.api.portions import portions
from towpath_server.domain.log import LogLevel
from towpath_server.domain.names import id_of
from towpath_server.use_cases.follow import Follower
from towpath_server.use_cases.jobs import Jobs
from towpath_server.use_cases.requests import now
from towpath_server.wire.jobs import line_to, listed_to, view_to

__all__ = ["JobService"]


class JobService(jobs_pb2_grpc.JobServiceServicer):
    """Shows, follows and cancels jobs."""

    def __init__(self, jobs: Jobs, follower: Follower) -> None:
        self._jobs = jobs
        self._follower = follower

    async def GetJob(self, request: jobs_pb2.GetJobRequest, context: Context) -> jobs_pb2.GetJobResponse:
        """Return one job."""
        return jobs_pb2.GetJobResponse(job=view_to(await self._jobs.get(id_of("jobs", request.name)), now()))

    async def ListJobs(self, request: jobs_pb2.ListJobsRequest, context: Context) -> jobs_pb2.ListJobsResponse:
        """Return a page of jobs, newest first."""
        connection = id_of("connections", request.connection, "connection") if request.connection else None
        page, token = await self._jobs.page(connection, request.page_size, request.page_token)
        return jobs_pb2.ListJobsResponse(jobs=starmap(listed_to, page), next_page_token=token)

    async def CancelJob(self, request: jobs_pb2.CancelJobRequest, context: Context) -> jobs_pb2.CancelJobResponse:
        """Ask a job to stop."""
        return jobs_pb2.CancelJobResponse(job=view_to(await self._jobs.cancel(id_of("jobs", request.name)), now()))

    async def WatchJob(
        self, request: jobs_pb2.WatchJobRequest, context: Context
    ) -> AsyncGenerator[jobs_pb2.WatchJobResponse]:
        """Stream a job until it has ended."""
        async for view in self._follower.watch(id_of("jobs", request.name)):
            yield jobs_pb2.WatchJobResponse(job=view_to(view, now()))

    async def TailLogs(
        self, request: jobs_pb2.TailLogsRequest, context: Context
    ) -> AsyncGenerator[jobs_pb2.TailLogsResponse]:
        """Stream the log of a job."""
        minimum = {int(level): level for level in LogLevel}.get(request.minimum_level)
        tail = self._follower.tail(id_of("jobs", request.name), request.after_seq, minimum, follow=request.follow)
        async for lines in tail:
            for portion in portions(map(line_to, lines)):
                yield jobs_pb2.TailLogsResponse(lines=portion)
