"""What docs/conformance.md says is true."""

from __future__ import annotations

import re

import click
import pytest
import yaml
from conformance_fields import DOCUMENT, field_tables, written_tables
from towpath_conformance.case import Case
from towpath_conformance.command import conformance
from towpath_sdk.errors import KINDS, Kind

TEXT = DOCUMENT.read_text()


def test_the_tables_of_fields_are_those_of_the_model() -> None:
    """A field that nobody knows of is one that nobody gives; `python tests/conformance_fields.py` writes the tables."""
    assert written_tables() == f"{field_tables()}\n"


def test_the_example_is_a_case_file() -> None:
    """It is what everybody begins with."""
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
    (example,) = [block for block in blocks if isinstance(block, dict) and "config" in block]
    assert Case.model_validate(example).source is not None


def test_exit_codes_are_those_of_the_kinds() -> None:
    """Scripts are written from this table, and `--help` says the same."""
    table = {int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.*?) \|$", TEXT, re.MULTILINE)}
    assert set(table) == {0, 1, 2, 3, 6, 7, 130}
    kinds = {3: Kind.MISCONFIGURED, 6: Kind.CONFLICT, 7: Kind.UNAVAILABLE}
    assert {code: KINDS[kind].exit_code for code, kind in kinds.items()} == {code: code for code in kinds}
    assert set(map(int, re.findall(r"\b(\d+) [a-z]", (conformance.help or "").partition("Exit codes:")[2]))) <= set(
        table
    )


def test_every_option_is_described_and_every_described_option_exists() -> None:
    """A line that is copied must work, and what is not described is not found."""
    init = conformance.commands["init"]
    options = {name for one in (conformance, init) for parameter in one.params for name in parameter.opts}
    long = {name for name in options if name.startswith("--")}
    ours = TEXT.replace("towpath completion --help", "").replace("docker ps -a --filter", "")
    described = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours))
    assert described - long == set()
    assert long - described == {"--verbose", "--input", "--force"}, "the first two have a letter; the last says itself"


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT))))
def test_links_lead_somewhere(link: str) -> None:
    """A dead link is where a reader stops."""
    assert (DOCUMENT.parent / link).exists()


def test_help_fits_a_terminal() -> None:
    """It is read more often than any page."""
    with click.Context(conformance, info_name="towpath conformance", max_content_width=110) as context:
        assert max(map(len, conformance.get_help(context).splitlines())) <= 110
