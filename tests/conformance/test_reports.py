"""Reports: their shapes, that each says the same, and that hostile text is text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest
from conformance_judgements import HOSTILE, judgement, one_of_each
from jsonschema import Draft202012Validator
from towpath_conformance.case import Patience
from towpath_conformance.registry import CHECKS
from towpath_conformance.reports import as_html, as_json, as_junit, as_text, report_schema
from towpath_conformance.reports.judgement import fact_text
from towpath_conformance.verdicts import Outcome, Verdict


def test_json_has_the_documented_shape() -> None:
    """Programs are written by the schema; a member that it does not describe is one that nobody may rely on."""
    document = json.loads(as_json(judgement(one_of_each(HOSTILE), said=HOSTILE, patience=Patience().quick())))
    schema = report_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    assert list(_undocumented(document, schema)) == []


def _undocumented(value: Any, schema: dict[str, Any], path: str = "$") -> list[str]:
    if isinstance(value, dict):
        known = schema.get("properties", {})
        other = schema.get("additionalProperties")
        found: list[str] = []
        for key, item in cast("dict[str, Any]", value).items():
            inside = known.get(key, other)
            found += [f"{path}.{key}"] if inside is None else _undocumented(item, inside, f"{path}.{key}")
        return found
    if isinstance(value, list):
        return [one for item in value for one in _undocumented(item, schema.get("items", {}), f"{path}[]")]
    return []


def test_json_says_what_came_of_each_check() -> None:
    """In the order of judgement, with the text of the check, so that nothing else is needed to show it."""
    document = json.loads(as_json(judgement(one_of_each("boom"))))
    ids = list(CHECKS)[:4]
    assert [(one["id"], one["outcome"]) for one in document["checks"]] == [
        (ids[0], "PASS"),
        (ids[1], "FAIL"),
        (ids[2], "SKIP"),
        (ids[3], "ERROR"),
    ]
    failed = document["checks"][1]
    assert failed["message"] == "boom"
    assert failed["asserts"] == CHECKS[ids[1]].asserts
    assert failed["exchanged"][-1].endswith("{ message: boom }")
    assert failed["repeat"] == f"towpath conformance --command 'run ' --check {ids[1]} --seed 42"
    assert (document["passed"], document["counts"]) == (False, {"pass": 1, "fail": 1, "skip": 1, "error": 1})
    assert document["facts"] == {"rows_per_second": 1234567.0, "cpu_seconds_per_million_rows": 0.8125}
    assert (document["seed"], document["began"]) == (42, "2026-01-02T03:04:05.000+00:00")


@pytest.mark.parametrize(
    ("outcomes", "passed"),
    [
        ([Outcome.PASS], True),
        ([Outcome.PASS, Outcome.SKIP], True),
        ([Outcome.PASS, Outcome.FAIL], False),
        ([Outcome.PASS, Outcome.ERROR], False),
        ([Outcome.SKIP], False),
        ([], False),
    ],
    ids=lambda value: "+".join(one.value for one in value) if isinstance(value, list) else "",
)
def test_passed_is_that_something_was_judged_and_nothing_failed(outcomes: list[Outcome], *, passed: bool) -> None:
    """All reports say the same: a badge that says otherwise than the exit code would be worse than none."""
    verdicts = [Verdict(check_id, outcome, "why") for check_id, outcome in zip(CHECKS, outcomes, strict=False)]
    judged = judgement(verdicts)
    assert json.loads(as_json(judged))["passed"] is passed
    assert as_text(judged).plain.splitlines()[-1].startswith("PASSED: " if passed else "NOT PASSED")
    badge = re.findall(r'<span class="verdict">(.*?)</span>', as_html(judged))
    assert badge == ["passed" if passed else "not passed"]


def test_junit_is_what_a_ci_reads() -> None:
    """Suites per group, reasons of skips, and the exchange where a CI shows output."""
    root = ET.fromstring(as_junit(judgement(one_of_each(HOSTILE), said=HOSTILE)))  # noqa: S314 our own
    assert (root.tag, root.attrib["tests"], root.attrib["failures"]) == ("testsuites", "4", "1")
    assert (root.attrib["skipped"], root.attrib["errors"]) == ("1", "1")
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    passed, failed, skipped, broken = (cases[check_id] for check_id in list(CHECKS)[:4])
    assert list(passed) == []
    assert skipped[0].tag == "skipped"
    assert skipped[0].attrib["message"].startswith("not now: </pre><script")
    assert [part.tag for part in failed] == ["failure", "system-out"]
    assert [part.tag for part in broken] == ["error", "system-out"]
    assert "again: towpath conformance" in (failed[0].text or "")
    assert CHECKS[list(CHECKS)[1]].fix in (failed[0].text or "")
    assert "-> Read open { }" in (failed[1].text or "")
    assert {suite.attrib["name"] for suite in root} == {CHECKS[check_id].group.value for check_id in list(CHECKS)[:4]}
    properties = {one.attrib["name"]: one.attrib["value"] for one in root.iter("property")}
    assert properties["seed"] == "42"


class _Page(HTMLParser):
    """What a browser would make of a page, as far as it may reach out or run anything."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_beside_itself_and_runs_nothing() -> None:
    """It is mailed and put on servers of others: not a font, not an icon may be fetched, and no script runs."""
    text = as_html(judgement(one_of_each(HOSTILE), said=HOSTILE))
    page = _Page(text)
    assert not {"script", "iframe", "object", "embed", "img", "form", "base"} & set(page.tags)
    links = [value for _, name, value in page.attributes if name in ("src", "href", "action", "srcset", "poster")]
    assert all(value.startswith(("#", "data:")) for value in links)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    style = "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    assert "url(" not in style
    assert "@import" not in style
    policy = next(value for _, name, value in page.attributes if name == "content" and "default-src" in value)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_hostile_text_is_text_on_the_page() -> None:
    """A connector says what it likes in its title and in its failures."""
    page = _Page(as_html(judgement(one_of_each(HOSTILE), said=HOSTILE)))
    assert page.text.count("</pre><script src=https://evil.example/x.js></script>") >= 8
    assert "49" not in re.findall(r"\{\{.*?\}\}|49", page.text), "it is no template"


def test_every_link_of_the_page_leads_somewhere() -> None:
    """The list of what failed is how a reader gets to it, among a hundred checks."""
    page = _Page(as_html(judgement(one_of_each())))
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = [value.removeprefix("#") for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert targets == [list(CHECKS)[1], list(CHECKS)[3]]
    assert set(targets) <= set(ids)
    assert {value for _, name, value in page.attributes if name == "aria-labelledby"} <= set(ids)


def test_the_page_has_all_that_the_author_needs() -> None:
    """Rule, reason, remedy, messages and a command; whoever published it may be far away."""
    judged = judgement(one_of_each("boom"), patience=Patience().quick())
    text = _Page(as_html(judged)).text
    failed = CHECKS[list(CHECKS)[1]]
    for wanted in (failed.asserts, failed.why, failed.fix, "boom", "-> Read open { }", judged.repeat(failed.id)):
        assert wanted in text
    for wanted in ("02 Jan 2026, 03:04 UTC", "1,234,567", "42", "bit_flips 40 of 300", "Bytes per second"):
        assert wanted in text


def test_text_shows_the_last_messages_unless_all_are_wanted() -> None:
    """A terminal is short; a failing check of a long read has hundreds."""
    exchanged = tuple(f"{number:8.3f} s <- message {number}." for number in range(100))
    verdicts = [Verdict(next(iter(CHECKS)), Outcome.FAIL, "boom", 1.0, exchanged)]
    short, whole = (as_text(judgement(verdicts), verbose=verbose).plain for verbose in (False, True))
    assert "messages, the last 24 of 100; -v shows all" in short
    assert "message 76." in short
    assert "message 75." not in short
    assert all(f"message {number}." in whole for number in range(100))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567.0, "1,234,567"),
        (1234.5, "1,234"),
        (12.345, "12.3"),
        (3.0, "3"),
        (3, "3"),
        (0.00123, "0.00123"),
        (0.0, "0"),
    ],
)
def test_facts_are_as_exact_as_measurements_are(value: float, text: str) -> None:
    """Seven digits of a number that varies by a tenth say nothing."""
    assert fact_text("cpu_seconds", value) == ("CPU seconds", text)
