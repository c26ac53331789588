"""docs/protocol.md and the checks name the same rules: what is judged is written, and what is written is judged."""

from __future__ import annotations

import re
from pathlib import Path

from towpath_conformance import CHECKS, Group

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
NAMED = set(re.findall(rf"`\[((?:{'|'.join(group.value for group in Group)})\.[a-z0-9-]+)\]`", DOCUMENT))


def test_every_check_is_named_in_the_document() -> None:
    """An author is judged by no rule that the document does not tell."""
    assert set(CHECKS) - NAMED == set()


def test_every_rule_of_the_document_that_has_an_id_is_judged() -> None:
    """An id that no check has promises a judgement that nobody makes."""
    assert NAMED - set(CHECKS) == set()


def test_links_within_the_document_lead_somewhere() -> None:
    """The table of contents is how an implementer finds the state machines."""
    headings = re.findall(r"^#+ (.+)$", DOCUMENT, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", DOCUMENT)) - anchors == set()
