"""Inputs and results of SyncWorkflow and its activities."""

from __future__ import annotations

from dataclasses import dataclass

from towpath_contracts.failures import FailureNote

__all__ = [
    "OpenJobInput",
    "OpenedJob",
    "PublishInput",
    "PublishOutcome",
    "SyncInput",
    "SyncResult",
    "TransferInput",
    "TransferOutcome",
]


@dataclass(frozen=True)
class SyncInput:
    """What a SyncWorkflow is started with.

    `connection` and `job` are resource names. `job` is None when a Schedule started the workflow: it then opens the job
    itself, through the `open_job` activity. `trigger` is "manual" or "schedule". `max_attempts` bounds the attempts of
    `transfer`; the server sets it from the connection's settings, in the Schedule too.

    `abandoned` is set when the job's workflow was lost after it had begun (terminated by hand, or Temporal's data are
    gone): the workflow then skips `transfer` and goes straight to `publish` with this failure, so that what incremental
    streams committed is delivered, the rest is discarded and the job ends.
    """

    connection: str
    job: str | None
    trigger: str
    max_attempts: int = 5
    abandoned: FailureNote | None = None


@dataclass(frozen=True)
class SyncResult:
    """How a SyncWorkflow ended: the job, or None when the run was skipped because another job was active.

    `state` is the name of the terminal Job.State, such as "STATE_SUCCEEDED"; empty when skipped. A job that failed or
    was cancelled still completes its workflow: the server's row is what says how it ended.
    """

    job: str | None
    state: str


@dataclass(frozen=True)
class OpenJobInput:
    """A scheduled run: connection, and `run_identity(workflow_id, run_id)`."""

    connection: str
    run_id: str


@dataclass(frozen=True)
class OpenedJob:
    """The job of a scheduled run; None when the run is skipped, because another job of the connection is active."""

    job: str | None


@dataclass(frozen=True)
class TransferInput:
    """The job to make one attempt at. Everything else is fetched from the server by BeginAttempt."""

    job: str


@dataclass(frozen=True)
class TransferOutcome:
    """An attempt came to its end: every stream was transferred, or failed in a way that no retry can help.

    A stream that failed in a retryable way makes the activity raise instead, so that Temporal retries it. `cancelled`
    is true when the server asked for a cancel, by ReportProgress, before Temporal's own request arrived.
    """

    cancelled: bool


@dataclass(frozen=True)
class PublishInput:
    """The job to publish and, as for BeginPublishRequest.failure, why the transfer stopped early if it did."""

    job: str
    failure: FailureNote | None


@dataclass(frozen=True)
class PublishOutcome:
    """Name of the terminal Job.State that FinishJob answered, such as "STATE_SUCCEEDED"."""

    state: str
