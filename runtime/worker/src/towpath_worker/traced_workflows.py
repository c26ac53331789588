"""Spans of workflows and activities, as children of whoever started the workflow."""

from __future__ import annotations

from typing import Any, cast

from opentelemetry import trace
from temporalio import workflow
from temporalio.contrib.opentelemetry import TracingInterceptor, TracingWorkflowInboundInterceptor
from temporalio.worker import ExecuteWorkflowInput, WorkflowInterceptorClassInput
from towpath_sdk import traces

__all__ = ["TracedWorkflows"]

_BEGIN = "towpath_begin_trace"


class TracedWorkflows(TracingInterceptor):
    """Temporal's own interceptor; a workflow that nobody's call has started begins a trace: a schedule's, mostly.

    The ids of that trace are made of the run's, so that every worker that takes the workflow up, at any time, goes on
    with the same.
    """

    def __init__(self) -> None:
        super().__init__(trace.get_tracer("towpath"))

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002  # Temporal's name
    ) -> type[TracingWorkflowInboundInterceptor]:
        """Return what runs in the sandbox, and give it a way out."""
        super().workflow_interceptor_class(input)
        cast("dict[str, object]", cast("Any", input).unsafe_extern_functions)[_BEGIN] = _begin_trace
        return _TracedWorkflow


class _TracedWorkflow(TracingWorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002  # Temporal's name
        info = workflow.info()
        if self.header_key not in info.headers:
            begin = cast("Any", workflow).extern_functions()[_BEGIN]
            replaying = workflow.unsafe.is_replaying()
            self._workflow_context_carrier = begin(info.workflow_type, info.run_id, workflow.time_ns(), replaying)
        return await super().execute_workflow(input)


def _begin_trace(workflow_type: str, run_id: str, time_ns: int, replaying: bool) -> dict[str, str]:  # noqa: FBT001
    """Return what spans of the run are children of. Sent it is once: a span that is never ended is nowhere."""
    span = traces.begin_trace(f"StartWorkflow:{workflow_type}", run_id, time_ns)
    span.mark(run=run_id)
    if not replaying:
        span.end()
    return dict(span.metadata)
