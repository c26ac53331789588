"""Calls of JobService; the streaming ones go on through restarts of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from towpath.connector.v1.types_pb2 import LogEntry
from towpath.control.v1 import jobs_pb2 as pb
from towpath.control.v1.jobs_pb2_grpc import JobServiceStub
from towpath_sdk.errors import Unavailable

from towpath_cli.client.reconnect import Backoff
from towpath_cli.client.wire import Wire
from towpath_cli.names import resource_name

__all__ = ["TERMINAL", "Jobs", "OnRetry"]

TERMINAL = frozenset({pb.Job.STATE_SUCCEEDED, pb.Job.STATE_FAILED, pb.Job.STATE_CANCELLED})
"""States in which nothing happens any more."""

OnRetry = Callable[[Unavailable, float], None]
"""Told when a stream broke and is opened again after so many seconds."""


class Jobs:
    """Runs of connections."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._stub = JobServiceStub(wire.channel)

    def all(self, connection: str | None = None, limit: int | None = None) -> Iterator[pb.Job]:
        """Yield jobs without their streams, newest first: of one connection or of all, at most `limit`."""
        return islice(self._pages(resource_name("connections", connection) if connection else "", limit or 0), limit)

    def get(self, name: str) -> pb.Job:
        """Return one with its attempts and streams. Raises NotFound."""
        return self._wire.call(self._stub.GetJob, pb.GetJobRequest(name=_full(name))).job

    def cancel(self, name: str) -> pb.Job:
        """Ask it to stop, and return at once. Raises Conflict when it has ended."""
        return self._wire.call(self._stub.CancelJob, pb.CancelJobRequest(name=_full(name))).job

    def watch(self, name: str, on_retry: OnRetry | None = None) -> Iterator[pb.Job]:
        """Yield the job now and after every change, to its terminal state.

        A stream that breaks is opened again with backoff, as long as it takes; each such retry is told to `on_retry`.
        Raises NotFound.
        """
        backoff = Backoff()
        while True:
            try:
                for response in self._wire.stream(self._stub.WatchJob, pb.WatchJobRequest(name=_full(name))):
                    backoff.reset()
                    yield response.job
                    if response.job.state in TERMINAL:
                        return
            except Unavailable as error:
                backoff.wait(error, on_retry)
            else:
                backoff.wait(Unavailable("the server ended the stream"), on_retry)

    def logs(
        self,
        name: str,
        *,
        after_seq: int = 0,
        follow: bool = False,
        minimum_level: LogEntry.Level = LogEntry.LEVEL_UNSPECIFIED,
        on_retry: OnRetry | None = None,
    ) -> Iterator[pb.LogLine]:
        """Yield log lines by `seq`, each once; with `follow` to the end of the job, through breaks as `watch` does.

        Raises NotFound; Unavailable only without `follow`.
        """
        backoff = Backoff()
        while True:
            request = pb.TailLogsRequest(
                name=_full(name), after_seq=after_seq, follow=follow, minimum_level=minimum_level
            )
            try:
                for response in self._wire.stream(self._stub.TailLogs, request):
                    backoff.reset()
                    for line in response.lines:
                        after_seq = line.seq
                        yield line
            except Unavailable as error:
                if not follow:
                    raise
                backoff.wait(error, on_retry)
            else:
                return

    def _pages(self, connection: str, page_size: int) -> Iterator[pb.Job]:
        token = ""
        while True:
            request = pb.ListJobsRequest(connection=connection, page_size=page_size, page_token=token)
            page = self._wire.call(self._stub.ListJobs, request)
            yield from page.jobs
            token = page.next_page_token
            if not token:
                return


def _full(name: str) -> str:
    return resource_name("jobs", name)
