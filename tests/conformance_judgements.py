"""Judgements to write reports of: made by hand, with what a hostile connector might say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from towpath_conformance.case import Patience
from towpath_conformance.registry import CHECKS
from towpath_conformance.reports import Judgement
from towpath_conformance.runner import Report
from towpath_conformance.verdicts import Outcome, Verdict

__all__ = ["HOSTILE", "judgement", "one_of_each"]

HOSTILE = '</pre><script src=https://evil.example/x.js></script> & "quoted" \x00\x1b[31m ]]> \'; \ud800 {{ 7 * 7 }}'
"""What is text in every report and nothing else."""


def one_of_each(said: str = "it went wrong") -> list[Verdict]:
    """A verdict of every outcome, about four checks that there are."""
    ids = list(CHECKS)[:4]
    exchanged = ("   0.001 s -> Read open { }", f"   0.002 s <- Read log {{ message: {said} }}")
    return [
        Verdict(ids[0], Outcome.PASS, seconds=0.25),
        Verdict(ids[1], Outcome.FAIL, said, 1.5, exchanged, {"bytes_per_second": 2048.0}),
        Verdict(ids[2], Outcome.SKIP, f"not now: {said}"),
        Verdict(ids[3], Outcome.ERROR, f"the case file: {said}", 0.125, exchanged[:1]),
    ]


def judgement(verdicts: Sequence[Verdict], *, said: str = "", patience: Patience | None = None) -> Judgement:
    """A judgement of a source; `said` is in whatever the connector says of itself."""
    report = Report(
        target=f"--command 'run {said}'",
        connector_id=f"com.example.source{said}",
        connector_version=f"1.0.0{said}",
        title=f"Example{said}",
        roles=["source"],
        patience=patience or Patience(),
        seed=42,
        began=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        seconds=12.5,
        verdicts=verdicts,
        facts={"rows_per_second": 1234567.0, "cpu_seconds_per_million_rows": 0.8125, "broken": float("nan")},
    )
    return Judgement(report, ["towpath", "conformance", "--command", f"run {said}"])
