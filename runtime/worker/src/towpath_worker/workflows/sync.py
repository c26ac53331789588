"""One job: open it if a schedule started it, transfer, publish."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError
from temporalio.workflow import ActivityCancellationType

with workflow.unsafe.imports_passed_through():
    from towpath_contracts import (
        OPEN_JOB,
        PUBLISH,
        SYNC_WORKFLOW,
        TRANSFER,
        FailureNote,
        OpenedJob,
        OpenJobInput,
        PublishInput,
        PublishOutcome,
        SyncInput,
        SyncResult,
        TransferInput,
        TransferOutcome,
        run_identity,
    )

from towpath_worker.workflows.failure import CANCELLED, note_of
from towpath_worker.workflows.retries import (
    HEARTBEAT_TIMEOUT,
    LONGEST_ATTEMPT,
    LONGEST_PUBLICATION,
    LONGEST_SERVER_CALL,
    PATIENT,
    attempts,
)

__all__ = ["SyncWorkflow"]


@workflow.defn(name=SYNC_WORKFLOW)
class SyncWorkflow:
    """Runs one job of any kind to its end.

    Whatever becomes of the transfer — done, failed, cancelled — the publication runs: it delivers what may be
    delivered, discards the rest, and gives the job its terminal state. So the workflow completes also for a job that
    failed.
    """

    @workflow.run
    async def run(self, sync: SyncInput) -> SyncResult:
        """Return the job and the name of its terminal state; no job when the run was skipped."""
        job = sync.job
        if job is None:
            job = await self._open(sync)
        if job is None:
            return SyncResult(None, "")
        failure = sync.abandoned
        if failure is None:
            failure = await self._transfer(job, sync.max_attempts)
        state = await self._publish(job, failure)
        return SyncResult(job, state)

    async def _open(self, sync: SyncInput) -> str | None:
        """Create the job of a scheduled run; None when another job of the connection is active."""
        info = workflow.info()
        opened = await workflow.execute_activity(
            OPEN_JOB,
            OpenJobInput(sync.connection, run_identity(info.workflow_id, info.run_id)),
            result_type=OpenedJob,
            start_to_close_timeout=LONGEST_SERVER_CALL,
            retry_policy=PATIENT,
        )
        return opened.job

    async def _transfer(self, job: str, max_attempts: int) -> FailureNote | None:
        """Attempt until every stream was tried; return why it stopped early, if it did."""
        try:
            outcome = await workflow.execute_activity(
                TRANSFER,
                TransferInput(job),
                result_type=TransferOutcome,
                start_to_close_timeout=LONGEST_ATTEMPT,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=attempts(max_attempts),
                cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            )
        except ActivityError as error:
            return note_of(error)
        except asyncio.CancelledError:
            return CANCELLED
        return CANCELLED if outcome.cancelled else None

    async def _publish(self, job: str, failure: FailureNote | None) -> str:
        """End the job. A cancel cannot interrupt this: half a publication would be worse than a late one."""
        publication = asyncio.create_task(self._publish_once(job, failure))
        while not publication.done():
            try:
                await asyncio.shield(publication)
            except asyncio.CancelledError:
                workflow.logger.info("a cancel waits for the publication", extra={"job": job})
        return publication.result()

    async def _publish_once(self, job: str, failure: FailureNote | None) -> str:
        outcome = await workflow.execute_activity(
            PUBLISH,
            PublishInput(job, failure),
            result_type=PublishOutcome,
            start_to_close_timeout=LONGEST_PUBLICATION,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=PATIENT,
        )
        return outcome.state
