"""Inputs of ConnectorTaskWorkflow and its activity. The configuration stays with the server; the id leads to it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ConnectorTaskInput", "RunTaskInput"]


@dataclass(frozen=True)
class ConnectorTaskInput:
    """What a ConnectorTaskWorkflow is started with; `timeout` in seconds, after which nobody waits for the outcome.

    The activity is tried once: a failure of the connector is an outcome, and the caller of the RPC decides about
    retries.
    """

    task_id: str
    timeout: float


@dataclass(frozen=True)
class RunTaskInput:
    """The task to run: TaskService.GetTask, the connector, TaskService.CompleteTask."""

    task_id: str
    timeout: float
