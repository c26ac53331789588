"""A report for continuous integration: JUnit XML, one suite per group and one case per check."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from towpath_conformance.reports.judgement import Finding, Judgement
from towpath_conformance.verdicts import Outcome

__all__ = ["as_junit"]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(judgement: Judgement) -> str:
    """Write the report as XML text."""
    report = judgement.report
    root = ET.Element(
        "testsuites", _totals(judgement.findings), name=_xml(f"towpath conformance {report.connector_id}")
    )
    root.set("time", f"{report.seconds:.3f}")
    for group, findings in judgement.groups:
        suite = ET.SubElement(root, "testsuite", _totals(findings), name=group.value)
        suite.set("time", f"{sum(found.verdict.seconds for found in findings):.3f}")
        suite.set("timestamp", report.began.isoformat(timespec="seconds"))
        properties = ET.SubElement(suite, "properties")
        for name, value in (
            ("connector", f"{report.connector_id} {report.connector_version}"),
            ("target", report.target),
            ("protocol", judgement.protocol),
            ("seed", str(report.seed)),
        ):
            ET.SubElement(properties, "property", name=name, value=_xml(value))
        for found in findings:
            _case(suite, found)
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True).decode() + "\n"


def _case(suite: ET.Element, found: Finding) -> None:
    verdict = found.verdict
    case = ET.SubElement(suite, "testcase", classname=f"conformance.{found.check.group.value}", name=found.check.id)
    case.set("time", f"{verdict.seconds:.3f}")
    first_line = _xml(verdict.message.partition("\n")[0])
    if verdict.outcome is Outcome.SKIP:
        ET.SubElement(case, "skipped", message=first_line)
    elif found.broken:
        said = f"{verdict.message}\n\nrule: {found.check.asserts}\nfix: {found.check.fix}\nagain: {found.repeat}"
        kind = "failure" if verdict.outcome is Outcome.FAIL else "error"
        ET.SubElement(case, kind, message=first_line, type=verdict.outcome.value).text = _xml(said)
        if verdict.exchanged:
            ET.SubElement(case, "system-out").text = _xml("\n".join(verdict.exchanged))


def _totals(findings: Sequence[Finding]) -> dict[str, str]:
    outcomes = [found.outcome for found in findings]
    return {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count(Outcome.FAIL)),
        "errors": str(outcomes.count(Outcome.ERROR)),
        "skipped": str(outcomes.count(Outcome.SKIP)),
    }


def _xml(text: str) -> str:
    """Replace what XML has no way to say: most control characters, and lone surrogates."""
    return _NOT_XML.sub("\ufffd", text)
