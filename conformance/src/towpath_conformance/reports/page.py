"""A report to publish: one HTML page that needs nothing beside itself, not even a script."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from towpath_conformance.reports.judgement import Judgement, fact_text, outcomes_text
from towpath_conformance.verdicts import Outcome

__all__ = ["as_html"]

_OUTCOMES = {Outcome.FAIL: "failed", Outcome.ERROR: "in error", Outcome.SKIP: "skipped", Outcome.PASS: "passed"}
"""In the order in which a reader wants them."""


def as_html(judgement: Judgement) -> str:
    """Write the page."""
    report = judgement.report
    return _template().render(
        judgement=judgement,
        report=report,
        groups=[
            (group, findings, outcomes_text(found.verdict for found in findings))
            for group, findings in judgement.groups
        ],
        outcomes=[(outcome.value, word, report.count(outcome)) for outcome, word in _OUTCOMES.items()],
        broken=[found for found in judgement.findings if found.broken],
        facts_of=_facts_of,
    )


def _facts_of(facts: Mapping[str, float]) -> list[tuple[str, str]]:
    return [fact_text(name, value) for name, value in facts.items()]


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("towpath_conformance.reports").joinpath("page.html.j2").read_text("utf-8"))
