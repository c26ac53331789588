"""Starting a connector from what an author has: a folder with a package, or one file."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from towpath_sdk.errors import NotFound
from towpath_sdk.project import ProjectCommand, project_command
from towpath_sdk.testing import ConnectorProcess, connector_process

__all__ = ["startable", "started"]


def startable(target: Path) -> ProjectCommand:
    """Find out how a folder's connector is started, or run a file by this Python. Raises NotFound or Misconfigured."""
    if target.is_file():
        return ProjectCommand((sys.executable, str(target.absolute())), target.absolute().parent)
    if not target.is_dir():
        raise NotFound(f"there is no {target}; name the connector's folder, or its Python file")
    return project_command(target)


@contextmanager
def started(connector: ProjectCommand, seconds: float) -> Generator[ConnectorProcess]:
    """Run it for the time of the block; each call may take `seconds`. Raises Unavailable with what it printed."""
    with connector_process(
        *connector.command, folder=connector.folder, environment=connector.environment, timeout=seconds
    ) as process:
        process.handshake()
        yield process
