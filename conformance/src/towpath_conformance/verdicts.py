"""What a check ends with: a verdict, and the three ways in which a check says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NoReturn

__all__ = ["Failed", "Outcome", "Skipped", "Verdict", "expect", "fail", "skip"]


class Outcome(Enum):
    """How a check ended. ERROR is a defect of the check itself or of the case file's commands, not of the connector."""

    PASS = "PASS"  # noqa: S105 no password
    FAIL = "FAIL"
    SKIP = "SKIP"
    ERROR = "ERROR"


class Failed(Exception):
    """The connector broke the rule; the message says what was expected and what was seen."""


class Skipped(Exception):
    """The check says nothing about this connector; the message says why, and what would make it say something."""


@dataclass(frozen=True)
class Verdict:
    """The end of one check. `exchanged` are the messages of the check as lines of text, oldest first."""

    check_id: str
    outcome: Outcome
    message: str = ""
    seconds: float = 0.0
    exchanged: tuple[str, ...] = ()
    facts: dict[str, float] = field(default_factory=dict[str, float])
    """What was measured on the way, such as rows per second: reported, never judged."""


def expect(condition: object, message: str) -> None:
    """Fail the check unless `condition` holds. Write the message as what was seen against what the rule demands."""
    if not condition:
        raise Failed(message)


def fail(message: str) -> NoReturn:
    """Fail the check."""
    raise Failed(message)


def skip(message: str) -> NoReturn:
    """Skip the check, saying why."""
    raise Skipped(message)
