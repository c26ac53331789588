"""What an author may import is a promise: it grows on purpose, and never shrinks by accident."""

from __future__ import annotations

import inspect
import re
from importlib import resources
from pathlib import Path

import pytest
import towpath_sdk
import towpath_sdk.files
import towpath_sdk.testing
from sdk_listings import REPOSITORY

NAMES = {
    "values of a catalogue": {"ReadMode", "ReadStream", "Split", "Stream", "StreamName", "WriteMode", "WriteStream"},
    "a source": {"Checkpoint", "Record", "Source"},
    "a destination": {"Batch", "ColumnPlan", "Committed", "Destination", "Fit", "OpenWrite", "Writer"},
    "what both have": {"Config", "Context", "Probe", "Secret", "serve"},
    "failures": {
        "BadRecord",
        "Bug",
        "Cancelled",
        "Conflict",
        "Denied",
        "Fenced",
        "Misconfigured",
        "NotFound",
        "PositionLost",
        "Throttled",
        "TowpathError",
        "Unavailable",
    },
}


def test_exported_names_are_those_that_are_promised() -> None:
    """A name that vanishes breaks a connector somewhere; a name too many is kept for ever."""
    assert set(towpath_sdk.__all__) == set().union(*NAMES.values())
    assert [name for name in towpath_sdk.__all__ if not hasattr(towpath_sdk, name)] == []


@pytest.mark.parametrize(
    "module", [towpath_sdk, towpath_sdk.files, towpath_sdk.testing], ids=lambda module: module.__name__
)
def test_everything_exported_says_what_it_is(module: object) -> None:
    """`help(towpath_sdk.Writer)` is the first documentation that an author reads."""
    exported = {name: getattr(module, name) for name in getattr(module, "__all__", [])}
    described = {name: value for name, value in exported.items() if inspect.isclass(value) or inspect.isfunction(value)}
    silent = [name for name, value in described.items() if not (value.__doc__ or "").strip()]
    for name, value in described.items():
        if inspect.isclass(value):
            methods = inspect.getmembers(value, inspect.isfunction)
            silent += [
                f"{name}.{method}"
                for method, function in methods
                if not method.startswith("_")
                and function.__module__.startswith("towpath_sdk")
                and not inspect.getdoc(function)
            ]
    assert silent == []


def test_package_is_typed() -> None:
    """Without the marker an author's type checker ignores all of it."""
    assert resources.files(towpath_sdk).joinpath("py.typed").is_file()


def test_connectors_use_nothing_private() -> None:
    """Our own connectors prove that the public names suffice."""
    private = re.compile(r"(from|import) towpath_sdk\._")
    sources = [path for path in (REPOSITORY / "connectors").rglob("*.py") if "build" not in path.parts]
    assert len(sources) > 10
    assert [str(path) for path in sources if private.search(path.read_text())] == []


def test_guide_and_readme_name_only_what_exists() -> None:
    """A guide that names what is gone sends an author on a search."""
    known = {*towpath_sdk.__all__, *towpath_sdk.testing.__all__, "testing", "errors"}
    for document in ("sdk/README.md", "docs/authors.md"):
        text = Path(REPOSITORY / document).read_text()
        imported = re.findall(r"^from towpath_sdk(?:\.testing)? import (.+)$", text, re.MULTILINE)
        named = {name.strip() for line in imported for name in line.strip("()").split(",")} - {""}
        assert named - known == set(), document
