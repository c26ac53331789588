"""A report for the terminal: one line per check, and all that an author needs for each one that failed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.text import Text

from towpath_conformance.reports.judgement import Finding, Judgement, fact_text, outcomes_text
from towpath_conformance.verdicts import Outcome

__all__ = ["OUTCOME_STYLES", "as_text"]

OUTCOME_STYLES = {
    Outcome.PASS: "green",
    Outcome.FAIL: "bold red",
    Outcome.ERROR: "bold magenta",
    Outcome.SKIP: "yellow",
}

_INDENT = " " * 9
_WIDTH = 110
_MESSAGES = 24


def as_text(judgement: Judgement, *, verbose: bool = False) -> Text:
    """Write the report. `verbose` adds what each check asserts, and every message instead of the last few."""
    return Text("\n").join(_lines(judgement, verbose=verbose))


def _lines(judgement: Judgement, *, verbose: bool) -> Iterator[Text]:
    report = judgement.report
    yield Text(f"{report.connector_id} {report.connector_version}", style="bold").append(
        f"  {' and '.join(report.roles)}, protocol {judgement.protocol}", style="not bold"
    )
    for group, findings in judgement.groups:
        yield Text()
        yield Text(group.value, style="bold").append(
            f"  {outcomes_text(found.verdict for found in findings)}", style="not bold dim"
        )
        width = max(len(found.check.id) for found in findings)
        for found in findings:
            yield from _finding(found, width, verbose=verbose)
    yield Text()
    for name, value in report.facts.items():
        yield Text("measured  ", style="dim").append(": ".join(fact_text(name, value)), style="not dim")
    for note in judgement.notes:
        yield Text(note)
    yield Text(judgement.sentence, style="bold green" if report.passed else "bold red").append(
        f"  in {report.seconds:.1f} s, seed {report.seed}", style="not bold default"
    )


def _finding(found: Finding, width: int, *, verbose: bool) -> Iterator[Text]:
    verdict = found.verdict
    line = Text("  ").append(f"{verdict.outcome.value:<5}", style=OUTCOME_STYLES[verdict.outcome]).append("  ")
    line.append(f"{found.check.id:<{width}}")
    if verdict.outcome is Outcome.SKIP:
        yield line.append(f"  {verdict.message}", style="dim")
    else:
        yield line.append(f"  {verdict.seconds:.2f} s", style="dim")
    if found.broken:
        yield from _broken(found, verbose=verbose)
    elif verbose:
        yield from _paragraph(found.check.asserts, style="dim")


def _broken(found: Finding, *, verbose: bool) -> Iterator[Text]:
    yield from _paragraph(found.verdict.message, style="bold")
    yield from _paragraph(found.check.asserts, "rule  ")
    yield from _paragraph(found.check.why, "why   ")
    yield from _paragraph(found.check.fix, "fix   ")
    exchanged = found.verdict.exchanged
    shown = exchanged if verbose else exchanged[-_MESSAGES:]
    if shown:
        more = f", the last {len(shown)} of {len(exchanged)}; -v shows all" if len(shown) < len(exchanged) else ""
        yield Text(f"{_INDENT}messages{more}", style="dim")
        for message in shown:  # not wrapped: these are to be copied and compared
            yield Text(f"{_INDENT}  {message}", style="cyan")
    yield Text(f"{_INDENT}again ", style="dim").append(found.repeat, style="not dim")
    yield Text()


def _paragraph(text: str, label: str = "", *, style: str = "") -> Iterator[Text]:
    indent = _INDENT + " " * len(label)
    for number, part in enumerate(text.splitlines() or [""]):
        begin = f"{_INDENT}{label}" if number == 0 else indent
        wrapped = textwrap.wrap(
            part, _WIDTH, initial_indent=begin, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        for line in wrapped or [begin]:
            shown = Text(line, style=style)
            shown.stylize("dim not bold", 0, len(indent))
            yield shown
