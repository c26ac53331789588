"""How failures travel through Temporal: the `type` of an ApplicationError is the value of a `Kind`."""

from __future__ import annotations

from dataclasses import dataclass

from towpath_sdk.errors import KINDS

__all__ = ["NON_RETRYABLE", "FailureNote"]

NON_RETRYABLE: tuple[str, ...] = tuple(kind.value for kind, rule in KINDS.items() if not rule.retry)
"""`RetryPolicy.non_retryable_error_types` of every activity: the kinds for which a retry cannot help."""


@dataclass(frozen=True)
class FailureNote:
    """A failure on its way through a workflow; the fields are those of towpath.control.v1.Failure, without secrets.

    `kind` is the value of a `Kind` such as "Unavailable"; `owner` is the number of an `Owner`; `origin` is "source",
    "destination", "worker" or "server".
    """

    kind: str
    reason: str
    message: str
    owner: int
    origin: str
