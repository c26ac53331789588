"""Replays: today's workflows, over histories of every way in which a job has ended (see record_histories.py)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowReplayResult
from towpath_contracts import PUBLISH, SYNC_WORKFLOW, PublishInput, PublishOutcome, SyncInput, SyncResult
from towpath_worker.workflows import ConnectorTaskWorkflow, SyncWorkflow
from towpath_worker.workflows.retries import HEARTBEAT_TIMEOUT, LONGEST_PUBLICATION, PATIENT
from towpath_worker.workflows.sandbox import workflow_runner

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.json"), key=lambda path: path.stem)

ENDINGS = {
    "abandoned",
    "attempts_exhausted",
    "cancelled",
    "cancelled_while_publishing",
    "cleared",
    "publication_repeated",
    "scheduled",
    "second_attempt_succeeded",
    "skipped",
    "stream_failed",
    "succeeded",
    "transfer_failed",
    "worker_lost",
}


async def replay(recording: Path, *workflows: type) -> WorkflowReplayResult:
    replayer = Replayer(workflows=workflows, workflow_runner=workflow_runner())
    history = WorkflowHistory.from_json(recording.stem, await asyncio.to_thread(recording.read_text))
    return await replayer.replay_workflow(history, raise_on_replay_failure=False)


@workflow.defn(name=SYNC_WORKFLOW, sandboxed=False)
class HastyWorkflow:
    """A SyncWorkflow as a careless change would leave it: it publishes without a transfer."""

    @workflow.run
    async def run(self, sync: SyncInput) -> SyncResult:
        """Publish, whatever is there."""
        outcome = await workflow.execute_activity(
            PUBLISH,
            PublishInput(sync.job or "", None),
            result_type=PublishOutcome,
            start_to_close_timeout=LONGEST_PUBLICATION,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=PATIENT,
        )
        return SyncResult(sync.job, outcome.state)


@pytest.mark.parametrize("recording", RECORDED, ids=[path.stem for path in RECORDED])
async def test_workflows_that_run_elsewhere_continue_with_this_code(recording: Path) -> None:
    """A job that began before an upgrade must end after it; a workflow that replays otherwise is stuck for ever."""
    result = await replay(recording, SyncWorkflow, ConnectorTaskWorkflow)
    assert result.replay_failure is None


def test_every_ending_is_recorded() -> None:
    """A path that nobody recorded is one that nobody replays."""
    assert {path.stem.removeprefix("sync_") for path in RECORDED if path.stem.startswith("sync_")} == ENDINGS
    assert [path.stem for path in RECORDED if path.stem.startswith("task_")] == ["task_succeeded"]


async def test_careless_change_is_noticed() -> None:
    """Otherwise the replays would prove nothing."""
    (recording,) = [path for path in RECORDED if path.stem == "sync_succeeded"]
    result = await replay(recording, HastyWorkflow)
    assert isinstance(result.replay_failure, workflow.NondeterminismError)
