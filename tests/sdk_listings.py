"""The listings of the documents: found, written to files, run."""

from __future__ import annotations

import re
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from towpath_sdk.testing import ConnectorProcess, connector_process

__all__ = ["REPOSITORY", "code_lines", "listings", "running_listing"]

REPOSITORY = Path(__file__).parent.parent


def listings(document: str) -> list[str]:
    """Return the Python listings of a Markdown file, in order."""
    return re.findall(r"^```python\n(.*?)^```$", (REPOSITORY / document).read_text(), re.DOTALL | re.MULTILINE)


def code_lines(listing: str) -> int:
    """Count the lines that say something."""
    return sum(bool(line.strip()) for line in listing.splitlines())


def running_listing(listing: str, folder: Path) -> AbstractContextManager[ConnectorProcess]:
    """Save a listing as a program and run it as a connector process."""
    program = folder / "listing.py"
    program.write_text(listing)
    return connector_process(sys.executable, program)
