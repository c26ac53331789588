"""The worker as a whole: connects its parts, and takes them apart again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Interceptor, Worker
from towpath_observe import open_window
from towpath_sdk import traces

from towpath_worker.activities import OpenJobActivity, Parts, PublishActivity, RunTaskActivity, TransferActivity
from towpath_worker.build_id import build_id
from towpath_worker.connectors import Parking
from towpath_worker.launch import ChoosingLauncher, Containers, ProcessLauncher, RunDir
from towpath_worker.launch.environment import connector_environment, container_environment
from towpath_worker.metrics import CountActivities
from towpath_worker.server import ServerChannel
from towpath_worker.settings import WorkerSettings
from towpath_worker.workflows import ConnectorTaskWorkflow, SyncWorkflow
from towpath_worker.workflows.sandbox import workflow_runner

__all__ = ["run_worker"]

_log = structlog.get_logger(__name__)

_HEARTBEAT_THROTTLE = timedelta(seconds=1)
"""By default Temporal holds heartbeats back for up to a minute, and a cancel with them; it must arrive in seconds."""

_REFUSED_PAUSE = 2.0
"""Seconds between two looks at whether the token is good by now."""


async def run_worker(
    settings: WorkerSettings, environ: Mapping[str, str], stop: asyncio.Event, *, identity: str
) -> None:
    """Work until `stop` is set; attempts in progress then stop their connectors and end, and other workers go on.

    While the server refuses the worker's token it does not work, and begins again when the token's file has a good one.
    Raises Misconfigured for settings that cannot work.
    """
    server = ServerChannel.open(settings)
    run_dir = RunDir.open(settings.run_dir)
    commands, containers, reaping = _commands(settings, environ, run_dir), _containers(settings, environ, run_dir), None
    parking = Parking()
    state = _State("Temporal does not answer")
    window = None
    try:
        if settings.observe_listen:
            files = (settings.observe_tls_cert_file, settings.observe_tls_key_file)
            certificate = None if files[0] is None or files[1] is None else (files[0], files[1])
            window = open_window(settings.observe_listen, state.told, certificate)
            _log.info("metrics and health shown", address=window.address)
        client = await _connect(settings, stop, identity)
        if client is None:
            return
        state.problem = "the server refuses this worker's token"
        launcher = ChoosingLauncher(
            commands if settings.launcher != "docker" else None, containers if settings.launcher != "process" else None
        )
        reaping = asyncio.create_task(containers.reap())
        parts = Parts(server, launcher, identity, settings.in_flight_bytes, parking)
        while await _admitted(server, stop):
            async with _temporal_worker(client, settings, parts):
                state.problem = ""
                _log.info("worker ready", task_queue=settings.task_queue, server=settings.server, identity=identity)
                await _first_of(stop, server.refused)
                state.problem = "the worker is stopping" if stop.is_set() else "the server refuses this worker's token"
                _log.info("worker stops")
    finally:
        if window is not None:
            window.close()
        await parking.close()
        await commands.close()
        if reaping is not None:
            reaping.cancel()
        containers.close()
        await server.close()
        run_dir.close()


@dataclass
class _State:
    """What keeps the worker from its work; empty when nothing does."""

    problem: str

    async def told(self) -> str:
        """Return it."""
        return self.problem


def _temporal_worker(client: Client, settings: WorkerSettings, parts: Parts) -> Worker:
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=[SyncWorkflow, ConnectorTaskWorkflow],
        activities=[
            OpenJobActivity(parts).open_job,
            TransferActivity(parts).transfer,
            PublishActivity(parts).publish,
            RunTaskActivity(parts).run_task,
        ],
        identity=parts.identity,
        build_id=build_id(),
        interceptors=[*_traced(), CountActivities()],
        workflow_runner=workflow_runner(),
        max_concurrent_activities=settings.max_concurrent_jobs,
        max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
    )


def _traced() -> list[Interceptor]:
    if not traces.are_on():
        return []
    from towpath_worker.traced_workflows import TracedWorkflows  # noqa: PLC0415 - OpenTelemetry costs a fifth of a second

    return [TracedWorkflows()]


async def _admitted(server: ServerChannel, stop: asyncio.Event) -> bool:
    """Return true when the server takes this worker's token, or does not answer; false when the worker is stopped.

    Until then it asks for no work: jobs would lose an attempt for each that it took and could not do.
    """
    while not stop.is_set():
        refusal = await server.admitted()
        if refusal is None:
            return True
        _log.error("worker waits for a good token", error=refusal.message, retry_in=_REFUSED_PAUSE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REFUSED_PAUSE):
                await stop.wait()
    return False


async def _first_of(*events: asyncio.Event) -> None:
    """Return when one of the events is set."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


def _commands(settings: WorkerSettings, environ: Mapping[str, str], run_dir: RunDir) -> ProcessLauncher:
    return ProcessLauncher(
        run_dir,
        connector_environment(environ, settings.connector_env),
        start_timeout=settings.start_timeout,
        forks=settings.fork_connectors,
    )


def _containers(settings: WorkerSettings, environ: Mapping[str, str], run_dir: RunDir) -> Containers:
    return Containers(
        run_dir,
        settings.run_dir,
        settings.containers,
        container_environment(environ, settings.container_env),
        start_timeout=settings.start_timeout,
    )


async def _connect(settings: WorkerSettings, stop: asyncio.Event, identity: str) -> Client | None:
    """Connect to Temporal, for as long as it takes; None when the worker is stopped before."""
    pause = 0.2
    while not stop.is_set():
        try:
            return await Client.connect(settings.temporal, namespace=settings.temporal_namespace, identity=identity)
        except (RPCError, RuntimeError) as error:
            _log.warning("Temporal does not answer", address=settings.temporal, error=str(error), retry_in=pause)
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            pause = min(5.0, pause * 2)
    return None
