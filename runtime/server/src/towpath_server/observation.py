"""The server's window: metrics of its jobs, and whether it can reach its database."""

from __future__ import annotations

import asyncio

import structlog
from towpath_observe import Window, open_window
from towpath_sdk.errors import TowpathError

from towpath_server.domain.job import ACTIVE, JobState
from towpath_server.metrics import JOBS_ACTIVE, QUEUED_SECONDS, SILENT_SECONDS
from towpath_server.settings import Settings
from towpath_server.use_cases.requests import now
from towpath_server.use_cases.store import Store

__all__ = ["Observation"]

_log = structlog.get_logger()

_CENSUS_SECONDS = 5.0


class Observation:
    """Shows a server to those who watch over it, from `start` to `stop`."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Keep what is needed; raises nothing."""
        self._store = store
        self._settings = settings
        self._window: Window | None = None
        self._census: asyncio.Task[None] | None = None
        self._ready = False

    @property
    def address(self) -> str:
        """`host:port` of the window; empty when there is none."""
        return "" if self._window is None else self._window.address

    def start(self) -> None:
        """Open the window, if the settings want one. Raises Misconfigured when the address cannot be used."""
        settings = self._settings
        if not settings.observe_listen:
            return
        files = (settings.tls_cert_file, settings.tls_key_file)
        certificate = None if files[0] is None or files[1] is None else (files[0], files[1])
        self._window = open_window(settings.observe_listen, self._problem, certificate)
        self._census = asyncio.create_task(self._count())
        self._ready = True
        _log.info("metrics and health shown", address=self._window.address)

    def stopping(self) -> None:
        """Say from now on that no more calls should be sent here."""
        self._ready = False

    async def stop(self) -> None:
        """Close the window."""
        if self._census is not None:
            self._census.cancel()
            await asyncio.gather(self._census, return_exceptions=True)
        if self._window is not None:
            self._window.close()

    async def _problem(self) -> str:
        if not self._ready:
            return "the server is stopping"
        try:
            async with asyncio.timeout(2.0), self._store.read() as records:
                await records.jobs.marks("")
        except (TowpathError, TimeoutError) as error:
            return f"the database does not answer: {error}"
        return ""

    async def _count(self) -> None:
        while True:
            try:
                await self._count_once()
            except TowpathError as error:
                _log.warning("jobs not counted", error=error.message)
            await asyncio.sleep(_CENSUS_SECONDS)

    async def _count_once(self) -> None:
        async with self._store.read() as records:
            jobs = await records.jobs.active()
        time = now()
        for state in ACTIVE:
            JOBS_ACTIVE.labels(state.name.lower()).set(sum(job.state is state for job in jobs))
        waiting = [job.create_time for job in jobs if job.state is JobState.QUEUED]
        heard = [job.seen_time for job in jobs if job.state is not JobState.QUEUED]
        for gauge, times in ((QUEUED_SECONDS, waiting), (SILENT_SECONDS, heard)):
            gauge.set(max((time - one).total_seconds() for one in times) if times else 0)
