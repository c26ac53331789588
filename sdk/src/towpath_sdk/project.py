"""How a connector's own folder says that it is started: `command` under `[tool.towpath]` of its pyproject.toml.

    [tool.towpath]
    command = ["python", "-m", "source_shop"]

The command runs in that folder, with its `src` on Python's path, so that nothing has to be installed. `python` is the
Python that runs the tool.
"""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from towpath_sdk.errors import Misconfigured

__all__ = ["ProjectCommand", "project_command"]


@dataclass(frozen=True)
class ProjectCommand:
    """A command, the folder that it runs in, and what is added to its environment."""

    command: tuple[str, ...]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])


def project_command(folder: Path) -> ProjectCommand:
    """Read how the connector in `folder` is started. Raises Misconfigured, with what to write where it is not said."""
    project = folder / "pyproject.toml"
    try:
        content = tomllib.loads(project.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(f"cannot read {project}: {error.strerror}", reason="NO_PROJECT") from error
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{project} is not TOML: {error}", reason="NO_PROJECT") from error
    words = _words(content)
    if not words:
        raise Misconfigured(
            f"{project} does not say how the connector is started; add to it:\n"
            '[tool.towpath]\ncommand = ["python", "-m", "my_package"]',
            reason="NO_COMMAND",
        )
    program = sys.executable if words[0] in ("python", "python3") else words[0]
    path = os.pathsep.join(filter(None, (str(folder.absolute() / "src"), os.environ.get("PYTHONPATH", ""))))
    return ProjectCommand((program, *words[1:]), folder.absolute(), {"PYTHONPATH": path})


def _words(content: dict[str, Any]) -> list[str]:
    tool: Any = content.get("tool")
    section: Any = cast("dict[str, Any]", tool).get("towpath") if isinstance(tool, dict) else None
    command: Any = cast("dict[str, Any]", section).get("command") if isinstance(section, dict) else None
    words: list[Any] = cast("list[Any]", command) if isinstance(command, list) else []
    return words if all(isinstance(word, str) for word in words) else []
