"""What the author's code raised, as a failure that may leave the process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NoReturn

import grpc

from towpath_sdk import traces
from towpath_sdk._serve.interrupting import Interrupted
from towpath_sdk.errors import Bug, Cancelled, TowpathError
from towpath_sdk.status import short_message, status_trailer, to_status

__all__ = ["abort", "as_failure"]

_log = logging.getLogger("towpath_sdk")


def as_failure(error: BaseException, doing: str) -> TowpathError:
    """Return a TowpathError as it is; anything else is a Bug of the connector, whose traceback goes to the log."""
    if isinstance(error, TowpathError):
        return error
    if isinstance(error, Interrupted):
        return Cancelled("the call was cancelled")
    _log.error("unexpected exception", extra={"doing": doing}, exc_info=error)
    text = str(error)
    return Bug(f"{doing} raised {type(error).__name__}{': ' if text else ''}{text}", reason="UNEXPECTED_EXCEPTION")


async def abort(
    context: grpc.aio.ServicerContext[Any, Any],
    error: TowpathError,
    redact: Callable[[str], str] | None = None,
    code: grpc.StatusCode | None = None,
) -> NoReturn:
    """End an RPC with a failure, under the code of its kind unless another one is given."""
    status = to_status(error, redact=redact)
    code = code or error.rule.code
    traces.current().answered(code, f"{error.reason}: {short_message(status)}")
    await context.abort(code, short_message(status), status_trailer(status))
    raise AssertionError("abort returned")
