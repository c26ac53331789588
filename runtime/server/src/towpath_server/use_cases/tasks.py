"""Runs spec, check, discover, preview and plan on a worker while a caller waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta

import structlog
from towpath_contracts import task_workflow_id
from towpath_sdk.errors import TowpathError, Unavailable

from towpath_server.domain.ids import new_id
from towpath_server.domain.task import Launch, Task, TaskKind, TaskReport, TaskResult, Work
from towpath_server.use_cases.changes import Changes
from towpath_server.use_cases.orchestrator import Orchestrator, WorkflowStatus
from towpath_server.use_cases.problems import NotHeld, no_such
from towpath_server.use_cases.requests import now
from towpath_server.use_cases.store import Records, Store

__all__ = ["ConnectorTasks", "TaskLimits"]

_log = structlog.get_logger()

# Look after the workflow and the workers only this often: both are calls to Temporal.
_CARE_SECONDS = 2.0

_NO_WORK = Work()


@dataclass(frozen=True)
class TaskLimits:
    """Seconds: what each kind of task may take unless the caller has less time, and how long to wait for a worker."""

    spec: float = 60.0
    check: float = 120.0
    discover: float = 300.0
    preview: float = 120.0
    plan: float = 120.0
    no_worker: float = 10.0

    def of(self, kind: TaskKind) -> float:
        """Return the limit of a kind."""
        return {
            TaskKind.SPEC: self.spec,
            TaskKind.CHECK: self.check,
            TaskKind.DISCOVER: self.discover,
            TaskKind.PREVIEW: self.preview,
            TaskKind.PLAN: self.plan,
        }[kind]


class ConnectorTasks:
    """One-off tasks of connectors."""

    def __init__(self, store: Store, orchestrator: Orchestrator, changes: Changes, limits: TaskLimits) -> None:
        self._store = store
        self._orchestrator = orchestrator
        self._changes = changes
        self._limits = limits

    async def run(self, kind: TaskKind, launch: Launch, remaining: float | None, work: Work = _NO_WORK) -> TaskResult:
        """Run a task and return how it ended; `remaining` is the caller's time in seconds.

        Raises Unavailable when no worker took the task, it was not done in time, or this server goes down: the worker
        could not report to it.
        """
        async with aclosing(self.watch(kind, launch, remaining, work)) as steps:
            async for step in steps:
                if isinstance(step, TaskResult):
                    return step
        raise AssertionError("a task that is watched to its end has a result")

    async def watch(
        self, kind: TaskKind, launch: Launch, remaining: float | None, work: Work = _NO_WORK
    ) -> AsyncGenerator[TaskReport | TaskResult]:
        """Run a task; yield what its worker reports, the newest word only, and at last how it ended. Raises as `run`.

        Who stops watching ends the task.
        """
        limit = self._limits.of(kind)
        # Less than the caller has, so that the answer says more than "deadline exceeded": ending a task that is late
        # takes a few calls to Temporal and to the database, which may be busy.
        timeout = limit if remaining is None else max(0.1, min(limit, remaining - min(2.0, remaining / 4)))
        task = Task(new_id(), kind, launch, now() + timedelta(seconds=timeout), None, work=work)
        async with self._store.write() as records:
            await records.tasks.add(task)
        done = False
        try:
            await self._orchestrator.start_task(task.id, timeout)
            async with aclosing(self._reports(task, timeout)) as reports:
                async for report in reports:
                    yield report
            async with self._store.read() as records:
                stored = await records.tasks.find(task.id)
            done = True
        finally:
            await asyncio.shield(self._clean_up(task, done=done))
        assert stored is not None
        assert stored.result is not None
        yield stored.result

    async def take(self, task_id: str, holder: str) -> Task:
        """Return a task for the worker, which from now on is the one to complete it.

        Raises NotFound when nobody waits for it any more.
        """
        async with self._store.write() as records:
            task = await records.tasks.find(task_id)
            if task is None or task.deadline < now():
                raise no_such(f"tasks/{task_id}")
            await records.tasks.hold(task_id, holder)
        return task

    async def report(self, task_id: str, report: TaskReport, holder: str) -> None:
        """Store how far a task has come; nothing happens when it was dropped, or has its outcome. Raises NotHeld."""
        await self._write(task_id, holder, lambda records: records.tasks.report(task_id, report))

    async def complete(self, task_id: str, result: TaskResult, holder: str) -> None:
        """Store the outcome of a task; nothing happens when it was dropped, or has one. Raises NotHeld."""
        await self._write(task_id, holder, lambda records: records.tasks.complete(task_id, result))

    async def _write(self, task_id: str, holder: str, write: Callable[[Records], Awaitable[None]]) -> None:
        """Write what the holder of a task says of it, and wake whoever waits for that."""
        async with self._store.write() as records:
            task = await records.tasks.find(task_id)
            if task is None:
                return
            if task.holder != holder:
                raise NotHeld(f"tasks/{task_id}", task.holder)
            await write(records)
        self._changes.notify(task_id)

    async def _reports(self, task: Task, limit: float) -> AsyncGenerator[TaskReport]:
        """Yield each report that is new, until the task has its outcome."""
        seen: TaskReport | None = None
        async with aclosing(self._looks(task, limit)) as looks:
            async for report in looks:
                if report is not None and report != seen:
                    seen = report
                    yield report

    async def _looks(self, task: Task, limit: float) -> AsyncGenerator[TaskReport | None]:
        """Yield what was reported last, again and again, until the task has its outcome."""
        began = time.monotonic()
        next_care = began + _CARE_SECONDS
        alone_since: float | None = began
        while True:
            report, complete = await self._standing(task.id)
            if complete:
                return
            yield report
            at = time.monotonic()
            if at - began >= limit:
                raise await self._late(limit)
            if at >= next_care:
                next_care = at + _CARE_SECONDS
                if await self._orchestrator.status(task_workflow_id(task.id), "") is not WorkflowStatus.RUNNING:
                    if (await self._standing(task.id))[1]:
                        return
                    raise Unavailable(
                        "the worker gave the task up without an outcome; see the worker's log, then try again",
                        reason="TASK_LOST",
                    )
                if await self._orchestrator.has_workers():
                    alone_since = None
                elif alone_since is None:
                    alone_since = at
                if alone_since is not None and at - alone_since >= self._limits.no_worker:
                    raise _no_worker()
            await self._changes.wait(task.id)

    async def _standing(self, task_id: str) -> tuple[TaskReport | None, bool]:
        async with self._store.read() as records:
            return await records.tasks.standing(task_id)

    async def _late(self, limit: float) -> Unavailable:
        try:
            if not await self._orchestrator.has_workers():
                return _no_worker()
        except Unavailable as error:
            return error
        return Unavailable(
            f"the connector did not answer within {limit:.0f} s; see that its remote system can be reached, or allow "
            "more time",
            reason="TASK_TIMEOUT",
        )

    async def _clean_up(self, task: Task, *, done: bool) -> None:
        try:
            async with self._store.write() as records:
                await records.tasks.drop(task.id)
            if not done:
                await self._orchestrator.cancel(task_workflow_id(task.id), "")
        except TowpathError as error:
            # The caretaker drops overdue rows, and the workflow ends by its own timeout.
            _log.warning("connector task not cleaned up", task=task.id, error=error.message)


def _no_worker() -> Unavailable:
    return Unavailable(
        "no worker asks for work; start one with `towpath-worker`, and see that it has the same Temporal address, "
        "namespace and task queue as this server",
        reason="NO_WORKER",
    )
