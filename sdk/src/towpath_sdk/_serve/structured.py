"""The author's structlog, sent through `logging`, which redacts and writes it."""

from __future__ import annotations

from typing import Any

import structlog

from towpath_sdk._serve.logs import OF_EVERY_RECORD

__all__ = ["log_through_logging"]


def log_through_logging() -> None:
    """Let events become records of `logging`, their values `extra`."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            _as_record,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _as_record(_logger: Any, _method: str, event: structlog.typing.EventDict) -> tuple[tuple[str], dict[str, Any]]:
    """Turn an event into the arguments of `logging`, which takes nothing extra by a name that its records have."""
    arguments = {name: event.pop(name) for name in ("exc_info", "stack_info") if name in event}
    message = str(event.pop("event", ""))
    extra = {f"{name}_" if name in OF_EVERY_RECORD else name: value for name, value in event.items()}
    return (message,), {**arguments, "extra": extra}
