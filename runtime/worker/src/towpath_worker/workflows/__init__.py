"""Workflows: what happens in which order, and what is retried. Deterministic; no I/O is imported here."""

from towpath_worker.workflows.connector_task import ConnectorTaskWorkflow
from towpath_worker.workflows.sync import SyncWorkflow

__all__ = ["ConnectorTaskWorkflow", "SyncWorkflow"]
