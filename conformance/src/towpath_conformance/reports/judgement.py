"""What every report is made from: the verdicts with the rules that they are about, and how to repeat each of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from towpath_conformance.peer import PROTOCOL_VERSION
from towpath_conformance.registry import CHECKS, Check, Group
from towpath_conformance.runner import Report
from towpath_conformance.verdicts import Outcome, Verdict

__all__ = ["Finding", "Judgement", "fact_text", "outcomes_text"]


@dataclass(frozen=True)
class Finding:
    """One check, what came of it, and the command that repeats it alone."""

    check: Check
    verdict: Verdict
    repeat: str

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return self.verdict.outcome

    @property
    def broken(self) -> bool:
        """It counts against the connector, or could not be judged at all."""
        return self.outcome in (Outcome.FAIL, Outcome.ERROR)


@dataclass(frozen=True)
class Judgement:
    """A report, and the words of the command line that it came from, without its choice of checks."""

    report: Report
    words: Sequence[str] = ("towpath", "conformance")

    @property
    def findings(self) -> Sequence[Finding]:
        """Everything that was judged, in the order of judgement."""
        return [
            Finding(CHECKS[verdict.check_id], verdict, self.repeat(verdict.check_id))
            for verdict in self.report.verdicts
        ]

    @property
    def groups(self) -> Sequence[tuple[Group, Sequence[Finding]]]:
        """The same by group; groups without a finding are left out."""
        findings = self.findings
        by_group = [(group, [found for found in findings if found.check.group is group]) for group in Group]
        return [(group, found) for group, found in by_group if found]

    @property
    def protocol(self) -> str:
        """The version of the protocol that was judged by, such as "1.0"."""
        return f"{PROTOCOL_VERSION.major}.{PROTOCOL_VERSION.minor}"

    @property
    def judge_version(self) -> str:
        """The version of the package that judged."""
        return version("towpath-conformance")

    def repeat(self, check_id: str) -> str:
        """The command that repeats one check alone, with the same seed."""
        return shlex.join([*self.words, "--check", check_id, "--seed", str(self.report.seed)])

    @property
    def sentence(self) -> str:
        """The whole in one sentence."""
        report = self.report
        counted = outcomes_text(report.verdicts)
        if report.passed:
            return f"PASSED: {counted}"
        if report.count(Outcome.FAIL) or report.count(Outcome.ERROR):
            return f"NOT PASSED: {counted}"
        return f"NOT PASSED, because nothing was judged: {counted}"

    @property
    def notes(self) -> Sequence[str]:
        """What keeps the verdict from being one on the whole connector, in sentences."""
        notes: list[str] = []
        if self.report.left_out:
            notes.append(f"This run left out {self.report.left_out} checks that concern the connector.")
        if self.shortened:
            cut = ", ".join(self.shortened)
            notes.append(f"This run was shortened: {cut}. A release is judged with the full lengths.")
        return notes

    @property
    def shortened(self) -> Sequence[str]:
        """What was shorter than a release is judged with: "bit_flips 40 of 300"."""
        cut = self.report.patience.shortened()
        return [f"{name} {given:g} of {default:g}" for name, (given, default) in cut.items()]


_WORDS = {Outcome.PASS: "passed", Outcome.FAIL: "failed", Outcome.ERROR: "in error", Outcome.SKIP: "skipped"}


def outcomes_text(verdicts: Iterable[Verdict]) -> str:
    """Count outcomes: "12 passed, 1 failed"."""
    outcomes = [verdict.outcome for verdict in verdicts]
    parts = [f"{outcomes.count(outcome)} {word}" for outcome, word in _WORDS.items() if outcome in outcomes]
    return ", ".join(parts) or "no checks"


def fact_text(name: str, value: float) -> tuple[str, str]:
    """Say something that was measured, as its name and its value: ("rows per second", "1,234,567")."""
    exact = float(value).is_integer() or abs(value) >= 1000  # noqa: PLR2004 four digits are as exact as a measurement is
    words = name.replace("_", " ").replace("cpu", "CPU")
    return words, f"{value:,.0f}" if exact else f"{value:,.3g}"
