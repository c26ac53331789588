"""What the documents say of the command line is true."""

from __future__ import annotations

import re
from inspect import cleandoc
from pathlib import Path

import pytest
from cli_prompt import run_here
from towpath_cli.commands.apply import apply
from towpath_cli.manifest.entries import ConnectionEntry, SettingsEntry, StreamEntry
from towpath_cli.manifest.read import read_manifest
from towpath_sdk.errors import KINDS

_ROOT = Path(__file__).parents[2]
_README = (_ROOT / "clients/cli/README.md").read_text()
_PIPELINE = (_ROOT / "docs/pipeline.md").read_text()


def test_exit_codes_are_those_of_the_readme() -> None:
    """Scripts are written from this table."""
    table = {name: int(code) for code, name in re.findall(r"^\| (\d+) \| ([A-Z]\w+) \|", _README, re.MULTILINE)}
    assert table == {kind.value: rule.exit_code for kind, rule in KINDS.items()}


def test_commands_of_the_readme_exist() -> None:
    """A line that is copied must work."""
    cells = re.findall(r"^\| (`towpath .*?) \| ", _README.replace(r"\|", "/"), re.MULTILINE)
    lines = [line for cell in cells for line in re.findall(r"`towpath ([^`]+)`", cell)]
    assert len(lines) >= 8
    for line in lines:
        names, _, rest = line.partition(" ")
        for sub in rest.split("/") if "/" in rest and names != "completion" else [""]:
            done = run_here(names, *([sub] if sub else []), "--help", environ={})
            assert done.code == 0, line


@pytest.mark.parametrize(
    "text",
    [*re.findall(r"```yaml\n(.*?)```", _PIPELINE, re.DOTALL), cleandoc((apply.help or "").partition("\b\n")[2])],
    ids=["docs/pipeline.md", "towpath apply --help"],
)
def test_examples_of_pipeline_files_can_be_read(tmp_path: Path, text: str) -> None:
    """They are what everybody begins with."""
    file = tmp_path / "pipeline.yaml"
    file.write_text(text)
    wanted = read_manifest([str(file)], {"SHOP_PASSWORD": "secret"})
    assert [one.kind for one in wanted] == ["source", "destination", "connection"]


@pytest.mark.parametrize("entry", [ConnectionEntry, StreamEntry, SettingsEntry])
def test_every_field_of_a_pipeline_file_is_documented(
    entry: type[ConnectionEntry | StreamEntry | SettingsEntry],
) -> None:
    """A field that nobody knows of might as well not be there."""
    assert [name for name in entry.model_fields if f"`{name}`" not in _PIPELINE] == []
