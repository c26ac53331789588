"""The server's own log: events with attributes, on standard error."""

from __future__ import annotations

import logging
import sys

import structlog
from towpath_sdk import traces

__all__ = ["set_up_logs"]


def set_up_logs(level: str, form: str) -> None:
    """Write events of at least `level` in the form `console` or `json`."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            traces.with_trace_id,
            structlog.processors.format_exc_info if form == "json" else structlog.processors.UnicodeDecoder(),
            structlog.processors.JSONRenderer()
            if form == "json"
            else structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # Local variables in a traceback could show a configuration.
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s [%(levelname)s] %(name)s: %(message)s"
    )
