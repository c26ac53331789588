"""The worker: reads its settings, connects, and works until SIGTERM or SIGINT.

One asyncio loop runs everything; workflows run in Temporal's sandbox threads.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from typing import NoReturn

from towpath_sdk import lean

# isort: split
import structlog
from towpath_sdk import traces
from towpath_sdk.errors import TowpathError

from towpath_worker.memory import keep_memory
from towpath_worker.settings import WorkerSettings
from towpath_worker.worker import run_worker

__all__ = ["main"]

_SPANS_SECONDS = 3.0


def main() -> NoReturn:
    """Run the worker; exit code 0 after a clean stop, otherwise that of the failure's kind."""
    keep_memory()
    try:
        settings = WorkerSettings.from_environment(os.environ)
        configure_logging(settings.log_level)
        if collector := traces.start_traces("towpath-worker", os.environ):
            structlog.get_logger(__name__).info("traces sent", to=collector)
        try:
            asyncio.run(_run(settings))
        finally:
            traces.stop_traces(_SPANS_SECONDS)
    except TowpathError as error:
        sys.stderr.write(f"towpath-worker: {error}\n")
        lean.leave(error.rule.exit_code)
    lean.leave()


async def _run(settings: WorkerSettings) -> None:
    lean.loaded()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_worker(settings, os.environ, stop, identity=f"{os.getpid()}@{socket.gethostname()}")


def configure_logging(level: str) -> None:
    """Write events as lines of JSON to standard error; libraries' logs from warnings on."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(number, logging.WARNING), format="%(levelname)s %(name)s %(message)s")
    # Each failed attempt is one event of ours; Temporal's own warning adds nothing but a traceback of a hundred lines.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            traces.with_trace_id,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


if __name__ == "__main__":
    main()
