"""What the use cases need of a database, and nothing of how."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from towpath_server.domain.access import ApiToken, TokenRole
from towpath_server.domain.audit import AuditEvent
from towpath_server.domain.connection import Connection, StreamPosition
from towpath_server.domain.connector import Connector, Endpoint, Role
from towpath_server.domain.job import Attempt, CommitMark, Job, JobState, JobStream, Totals
from towpath_server.domain.log import LogLevel, LogLine
from towpath_server.domain.publication import Decision
from towpath_server.domain.schema_change import SchemaChange
from towpath_server.domain.streams import StreamName
from towpath_server.domain.task import Task, TaskReport, TaskResult


class ConnectorRecords(Protocol):
    """Connectors."""

    async def find(self, identifier: str, *, lock: bool = False) -> Connector | None:
        """Return a connector, None when there is none; `lock` keeps others from changing it until the end."""
        ...

    async def page(self, after: str, limit: int) -> Sequence[Connector]:
        """Return up to `limit` connectors by id, after the id `after`."""
        ...

    async def add(self, connector: Connector) -> None:
        """Insert a connector. Raises AlreadyExists."""
        ...

    async def save(self, connector: Connector) -> None:
        """Store every field of a connector that exists."""
        ...

    async def remove(self, identifier: str) -> None:
        """Delete a connector that nothing uses."""
        ...

    async def user_of(self, identifier: str) -> str | None:
        """Return the resource name of a source or destination that uses a connector."""
        ...


class EndpointRecords(Protocol):
    """Sources or destinations."""

    async def find(self, identifier: str, *, lock: bool = False) -> Endpoint | None:
        """Return an endpoint, None when there is none; `lock` keeps others from changing it until the end."""
        ...

    async def page(self, after: str, limit: int) -> Sequence[Endpoint]:
        """Return up to `limit` endpoints by id, after the id `after`."""
        ...

    async def add(self, endpoint: Endpoint) -> None:
        """Insert an endpoint. Raises AlreadyExists."""
        ...

    async def save(self, endpoint: Endpoint) -> None:
        """Store every field of an endpoint that exists."""
        ...

    async def remove(self, identifier: str) -> None:
        """Delete an endpoint that no connection uses."""
        ...

    async def user_of(self, identifier: str) -> str | None:
        """Return the resource name of a connection that uses an endpoint."""
        ...

    async def reseal(self) -> int:
        """Seal anew, with the first key, what was sealed with an older one; returns how many rows that were."""
        ...


class ConnectionRecords(Protocol):
    """Connections."""

    async def find(self, identifier: str, *, lock: bool = False) -> Connection | None:
        """Return a connection, None when there is none; `lock` keeps others from changing it until the end."""
        ...

    async def page(self, after: str, limit: int) -> Sequence[Connection]:
        """Return up to `limit` connections by id, after the id `after`."""
        ...

    async def add(self, connection: Connection) -> None:
        """Insert a connection, its schedule unknown to Temporal. Raises AlreadyExists."""
        ...

    async def save(self, connection: Connection) -> None:
        """Store every field of a connection that exists."""
        ...

    async def remove(self, identifier: str) -> None:
        """Delete a connection with positions and jobs, and remember that its schedule has to go."""
        ...

    async def unsynced(self, limit: int) -> Sequence[str]:
        """Return ids of connections of whose schedule Temporal does not know the newest version."""
        ...

    async def mark_synced(self, identifier: str, version: int) -> None:
        """Remember that Temporal knows `version` of a connection's schedule."""
        ...

    async def removed_schedules(self, limit: int) -> Sequence[str]:
        """Return ids of deleted connections whose schedules Temporal may still hold."""
        ...

    async def forget_removed(self, identifier: str) -> None:
        """Remember that the schedule of a deleted connection is gone."""
        ...


class PositionRecords(Protocol):
    """What is known of each stream of a connection between jobs."""

    async def of(self, connection: str) -> Mapping[StreamName, StreamPosition]:
        """Return the positions of a connection, by stream name."""
        ...

    async def put(self, connection: str, position: StreamPosition) -> None:
        """Store a position in place of the one before."""
        ...


class JobRecords(Protocol):
    """Jobs."""

    async def find(self, identifier: str, *, lock: bool = False) -> Job | None:
        """Return a job, None when there is none; `lock` keeps others from changing it until the end."""
        ...

    async def marks(self, identifier: str) -> tuple[int, int, JobState] | None:
        """Return revision, last log seq and state of a job: what a watcher asks for several times a second."""
        ...

    async def page(self, connection: str | None, before: str, limit: int) -> Sequence[Job]:
        """Return up to `limit` jobs, newest first, older than the id `before` (empty: from the newest)."""
        ...

    async def totals(self, jobs: Collection[str]) -> Mapping[str, Totals]:
        """Return the sums over the streams of each of the jobs that have streams."""
        ...

    async def latest(self, connections: Collection[str]) -> Mapping[str, Job]:
        """Return the newest job of each of the connections that have one."""
        ...

    async def active_of(self, connection: str) -> Job | None:
        """Return the queued or running job of a connection."""
        ...

    async def active(self) -> Sequence[Job]:
        """Return every job that has not ended; of each connection there is at most one."""
        ...

    async def of_run(self, workflow_id: str, run_id: str) -> Job | None:
        """Return the job that a scheduled run has opened."""
        ...

    async def needing_care(self, silent_since: datetime, limit: int) -> Sequence[Job]:
        """Return jobs that someone has to look after.

        Those whose workflow was never started, those whose cancel did not reach Temporal, and active ones of which no
        worker was heard since `silent_since`.
        """
        ...

    async def add(self, job: Job, streams: Sequence[JobStream]) -> None:
        """Insert a job with its streams. Raises JobActive when the connection has an active one."""
        ...

    async def save(self, job: Job) -> None:
        """Store a job that was found with `lock`, and tell watchers that it changed."""
        ...

    async def streams(self, job: str) -> Sequence[JobStream]:
        """Return the streams of a job in the order of the connection."""
        ...

    async def stream(self, job: str, index: int) -> JobStream | None:
        """Return one stream of a job."""
        ...

    async def save_stream(self, job: str, stream: JobStream) -> None:
        """Store one stream of a job that was found with `lock`."""
        ...

    async def attempts(self, job: str) -> Sequence[Attempt]:
        """Return the attempts of a job, oldest first."""
        ...

    async def add_attempt(self, job: str, attempt: Attempt) -> None:
        """Insert an attempt."""
        ...

    async def save_attempt(self, job: str, attempt: Attempt) -> None:
        """Store end and failure of an attempt."""
        ...

    async def receipts(self, job: str) -> Mapping[int, Sequence[bytes]]:
        """Return the receipts of a job by stream index, oldest first."""
        ...

    async def recent_commits(self, job: str, most: int) -> Mapping[int, Sequence[CommitMark]]:
        """Return the newest commits of each stream of a job by stream index, at most `most` of each, oldest first."""
        ...

    async def receipt(self, job: str, index: int, commit_seq: int) -> bytes | None:
        """Return the receipt of one commit."""
        ...

    async def add_commit(
        self, job: str, index: int, commit_seq: int, receipt: bytes, *, rows: int, size: int, time: datetime
    ) -> None:
        """Insert one commit."""
        ...

    async def drop_commits(self, job: str, index: int) -> None:
        """Forget the commits of one stream of a job."""
        ...

    async def decision(self, job: str) -> Decision | None:
        """Return what a job decided to publish; None before BeginPublish."""
        ...

    async def save_decision(self, job: str, decision: Decision) -> None:
        """Store what a job publishes."""
        ...


class LogRecords(Protocol):
    """Lines of job logs."""

    async def append(self, job: str, lines: Sequence[LogLine]) -> None:
        """Append lines, numbered on from the last one without a gap, to the log of a job that exists."""
        ...

    async def begin_batch(self, job: str, batch_id: str) -> bool:
        """Remember a batch of lines; False when it was stored before. The job must be locked."""
        ...

    async def after(self, job: str, seq: int, minimum: LogLevel | None, limit: int) -> Sequence[LogLine]:
        """Return up to `limit` lines with a higher seq and at least the severity `minimum`."""
        ...


class SchemaChangeRecords(Protocol):
    """What jobs found changed in the schemas of streams."""

    async def add(self, change: SchemaChange) -> None:
        """Insert a change, unless its job found the same before. The job must be locked."""
        ...

    async def page(self, connection: str, before: str, limit: int) -> Sequence[SchemaChange]:
        """Return up to `limit` changes of a connection, newest first; older than the id `before` if it is set."""
        ...


class TaskRecords(Protocol):
    """Connector tasks."""

    async def add(self, task: Task) -> None:
        """Insert a task."""
        ...

    async def find(self, identifier: str) -> Task | None:
        """Return a task, None when it was dropped."""
        ...

    async def hold(self, identifier: str, holder: str) -> None:
        """Store who works on a task from now on."""
        ...

    async def report(self, identifier: str, report: TaskReport) -> None:
        """Store how far a task has come, unless it has its outcome, or was dropped."""
        ...

    async def complete(self, identifier: str, result: TaskResult) -> None:
        """Store the outcome, unless there is one, or the task was dropped."""
        ...

    async def standing(self, identifier: str) -> tuple[TaskReport | None, bool]:
        """Return the last report, None when there was none, and whether the task has its outcome."""
        ...

    async def drop(self, identifier: str) -> None:
        """Forget a task."""
        ...

    async def drop_overdue(self, before: datetime) -> None:
        """Forget tasks whose deadline was before `before`: their server died while it waited."""
        ...


class CatalogRecords(Protocol):
    """The catalog that each source showed last."""

    async def find(self, source: str, source_etag: str) -> bytes | None:
        """Return the serialized DiscoverResponse that a source gave under its present configuration."""
        ...

    async def put(self, source: str, source_etag: str, catalog: bytes, time: datetime) -> None:
        """Keep the catalog of a source in place of the one before."""
        ...


class RequestRecords(Protocol):
    """Requests with a request_id, so that a repetition does nothing twice."""

    async def find(self, method: str, request_id: str) -> tuple[str, str] | None:
        """Return subject and resource of a request that was served before."""
        ...

    async def add(self, method: str, request_id: str, subject: str, resource: str, time: datetime) -> None:
        """Remember a request, what it asked about, and the resource that it made."""
        ...

    async def drop_older(self, before: datetime) -> None:
        """Forget requests from before `before`."""
        ...


class TokenRecords(Protocol):
    """API tokens."""

    async def find(self, identifier: str, *, lock: bool = False) -> ApiToken | None:
        """Return a token, None when there is none; `lock` keeps others from changing it until the end."""
        ...

    async def of_hash(self, digest: str) -> ApiToken | None:
        """Return the token whose secret has this hash, also one that has ended."""
        ...

    async def page(self, after: str, limit: int) -> Sequence[ApiToken]:
        """Return up to `limit` tokens by id, after the id `after`."""
        ...

    async def of_role(self, role: TokenRole) -> Sequence[ApiToken]:
        """Return every token of a role that was not revoked."""
        ...

    async def add(self, token: ApiToken) -> None:
        """Insert a token. Raises AlreadyExists."""
        ...

    async def save(self, token: ApiToken) -> None:
        """Store when a token was revoked: nothing else of it ever changes."""
        ...


class AuditRecords(Protocol):
    """The audit trail."""

    async def add(self, event: AuditEvent) -> None:
        """Insert an event."""
        ...

    async def page(self, resource: str, actor: str, before: str, limit: int) -> Sequence[AuditEvent]:
        """Return up to `limit` events, newest first, older than the id `before`; empty texts mean all."""
        ...


class Records(Protocol):
    """Everything that is stored, within one transaction."""

    @property
    def connectors(self) -> ConnectorRecords:
        """Connectors."""
        ...

    def endpoints(self, role: Role) -> EndpointRecords:
        """Sources or destinations."""
        ...

    @property
    def connections(self) -> ConnectionRecords:
        """Connections and what Temporal has to be told of their schedules."""
        ...

    @property
    def positions(self) -> PositionRecords:
        """Positions of streams between jobs."""
        ...

    @property
    def jobs(self) -> JobRecords:
        """Jobs, their streams, attempts and commits."""
        ...

    @property
    def logs(self) -> LogRecords:
        """Job logs."""
        ...

    @property
    def schema_changes(self) -> SchemaChangeRecords:
        """What jobs found changed in the schemas of streams."""
        ...

    @property
    def tasks(self) -> TaskRecords:
        """Connector tasks."""
        ...

    @property
    def catalogs(self) -> CatalogRecords:
        """Catalogs that sources showed."""
        ...

    @property
    def requests(self) -> RequestRecords:
        """Requests that may be repeated."""
        ...

    @property
    def tokens(self) -> TokenRecords:
        """API tokens."""
        ...

    @property
    def audit(self) -> AuditRecords:
        """The audit trail."""
        ...


class Store(Protocol):
    """The database."""

    def read(self) -> AbstractAsyncContextManager[Records]:
        """Open a transaction that only reads."""
        ...

    def write(self) -> AbstractAsyncContextManager[Records]:
        """Open a transaction that writes: committed at the end of the block, rolled back when it raises."""
        ...

    def exclusive(self, key: str) -> AbstractAsyncContextManager[None]:
        """Hold a lock across all servers of this database while the block runs."""
        ...
