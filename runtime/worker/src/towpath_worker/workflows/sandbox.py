"""The sandbox in which workflows run.

Their own modules are loaded anew for every run, as Temporal wants it; what they only take names and dataclasses from is
shared. Type hints of dataclasses are resolved by module name, so whole packages have to be shared, not single imports.
"""

from __future__ import annotations

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

__all__ = ["workflow_runner"]

_SHARED = ("towpath_contracts", "towpath_sdk", "towpath", "pyarrow", "numpy", "pydantic", "structlog", "opentelemetry")


def workflow_runner() -> SandboxedWorkflowRunner:
    """Return the runner that workers, and replays of recorded histories, use."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*_SHARED))
