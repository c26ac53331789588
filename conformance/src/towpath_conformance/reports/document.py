"""A report for programs: one JSON document, whose shape `report.schema.json` beside this module describes."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from typing import Any, cast

from towpath_conformance.reports.judgement import Finding, Judgement
from towpath_conformance.verdicts import Outcome

__all__ = ["as_json", "report_schema"]

_VERSION = 1
"""Raised when a member changes its meaning or goes away; members may be added without."""


def as_json(judgement: Judgement) -> str:
    """Write the report as JSON text, indented."""
    report = judgement.report
    document = {
        "format": "towpath-conformance-report",
        "version": _VERSION,
        "passed": report.passed,
        "connector": {
            "id": report.connector_id,
            "version": report.connector_version,
            "title": report.title,
            "roles": list(report.roles),
        },
        "protocol": judgement.protocol,
        "judge": judgement.judge_version,
        "target": report.target,
        "seed": report.seed,
        "began": report.began.isoformat(timespec="milliseconds"),
        "seconds": round(report.seconds, 3),
        "shortened": {
            name: {"given": given, "full": full} for name, (given, full) in report.patience.shortened().items()
        },
        "counts": {outcome.value.lower(): report.count(outcome) for outcome in Outcome},
        "left_out": report.left_out,
        "facts": _finite(report.facts),
        "checks": [_check(found) for found in judgement.findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def report_schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    text = files("towpath_conformance.reports").joinpath("report.schema.json").read_text("utf-8")
    return cast("dict[str, Any]", json.loads(text))


def _check(found: Finding) -> dict[str, Any]:
    return {
        "id": found.check.id,
        "group": found.check.group.value,
        "outcome": found.outcome.value,
        "message": found.verdict.message,
        "seconds": round(found.verdict.seconds, 3),
        "asserts": found.check.asserts,
        "why": found.check.why,
        "fix": found.check.fix,
        "exchanged": list(found.verdict.exchanged),
        "repeat": found.repeat,
        "facts": _finite(found.verdict.facts),
    }


def _finite(facts: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in facts.items() if math.isfinite(value)}
