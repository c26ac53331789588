"""The worker as a whole: connects its parts, and takes them apart again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from towpath_worker.activities import OpenJobActivity, Parts, PublishActivity, RunTaskActivity, TransferActivity
from towpath_worker.connectors import Parking
from towpath_worker.launch import ProcessLauncher, RunDir
from towpath_worker.launch.environment import connector_environment
from towpath_worker.server import ServerChannel
from towpath_worker.settings import WorkerSettings
from towpath_worker.workflows import ConnectorTaskWorkflow, SyncWorkflow
from towpath_worker.workflows.sandbox import workflow_runner

__all__ = ["run_worker"]

_log = structlog.get_logger(__name__)

_HEARTBEAT_THROTTLE = timedelta(seconds=1)
"""By default Temporal holds heartbeats back for up to a minute, and a cancel with them; it must arrive in seconds."""


async def run_worker(
    settings: WorkerSettings, environ: Mapping[str, str], stop: asyncio.Event, *, identity: str
) -> None:
    """Work until `stop` is set; attempts in progress then stop their connectors and end, and other workers go on.

    Raises Misconfigured for settings that cannot work.
    """
    server = ServerChannel.open(settings)
    run_dir = RunDir.open(settings.run_dir)
    parking = Parking()
    try:
        client = await _connect(settings, stop, identity)
        if client is None:
            return
        launcher = ProcessLauncher(
            run_dir,
            connector_environment(environ, settings.connector_env),
            start_timeout=settings.start_timeout,
        )
        parts = Parts(server, launcher, identity, settings.in_flight_bytes, parking)
        async with Worker(
            client,
            task_queue=settings.task_queue,
            workflows=[SyncWorkflow, ConnectorTaskWorkflow],
            activities=[
                OpenJobActivity(parts).open_job,
                TransferActivity(parts).transfer,
                PublishActivity(parts).publish,
                RunTaskActivity(parts).run_task,
            ],
            identity=identity,
            workflow_runner=workflow_runner(),
            max_concurrent_activities=settings.max_concurrent_jobs,
            max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
            default_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
        ):
            _log.info("worker ready", task_queue=settings.task_queue, server=settings.server, identity=identity)
            await stop.wait()
            _log.info("worker stops")
    finally:
        await parking.close()
        await server.close()
        run_dir.close()


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
