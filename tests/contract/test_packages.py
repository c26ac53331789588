"""The repository keeps its promises about itself: packages import, names are declared, the lock names no registry."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = sorted(
    path.parent
    for pattern in ("sdk", "conformance", "authoring", "runtime/*", "clients/cli", "connectors/*")
    for path in ROOT.glob(f"{pattern}/pyproject.toml")
)


def import_package(member: Path) -> ModuleType:
    (package,) = [path.parent for path in member.glob("src/*/__init__.py")]
    return importlib.import_module(package.name)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_every_package_imports_and_describes_itself(member: Path) -> None:
    """A package that does not import on a clean machine is no package."""
    assert import_package(member).__doc__


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_every_package_is_typed(member: Path) -> None:
    """Users' type checkers only read packages with a marker."""
    assert [path.name for path in member.glob("src/*/py.typed")] == ["py.typed"]


def test_sdk_exports_exactly_what_it_declares() -> None:
    """The facade is the author's API: nothing leaks into it and nothing declared is missing."""
    sdk = importlib.import_module("towpath_sdk")
    public = {
        name
        for name in dir(sdk)
        if not name.startswith("_") and not isinstance(getattr(sdk, name), ModuleType) and name != "annotations"
    }
    assert public == set(sdk.__all__)


def test_lock_file_names_no_registry() -> None:
    """A lock that names hosts would not install behind a mirror."""
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_every_member_belongs_to_the_root_project() -> None:
    """What the root does not depend on would not be locked."""
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = {
        tomllib.loads((member / "pyproject.toml").read_text())["project"]["name"]
        for member in [*MEMBERS, ROOT / "proto"]
    }
    assert set(root["project"]["dependencies"]) == names
