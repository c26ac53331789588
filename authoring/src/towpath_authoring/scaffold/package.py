"""Writes the files of a new connector from the templates beside this module."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

import jinja2
from towpath_sdk.errors import Conflict

from towpath_authoring.scaffold.names import Names

__all__ = ["write_package"]

_SUFFIX = ".jinja"
_PACKAGE = "package"
"""Folder of the templates that becomes the Python package."""


def write_package(names: Names, folder: Path) -> list[Path]:
    """Write the package into `folder`, which must not exist or be empty; return its files, sorted.

    Raises Conflict when something is there already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} is there already, and is not empty; choose another folder", reason="EXISTS")
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 the templates are Python, YAML and TOML; the names are validated
        # The templates hold YAML of GitHub, which has double braces of its own.
        variable_start_string="<<",
        variable_end_string=">>",
    )
    written: list[Path] = []
    for kind in ("both", names.role):
        root = files("towpath_authoring.scaffold") / "templates" / kind
        for path, template in _walk(root, PurePosixPath()):
            target = folder / str(path).replace(f"src/{_PACKAGE}/", f"src/{names.package}/").removesuffix(_SUFFIX)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(environment.from_string(template.read_text("utf-8")).render(names=names), "utf-8")
            written.append(target)
    return sorted(written)


def _walk(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith("__pycache__"):
            continue
        if entry.is_dir():
            yield from _walk(entry, path / entry.name)
        else:
            yield path / entry.name, entry
