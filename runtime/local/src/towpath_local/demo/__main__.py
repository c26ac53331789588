"""`python -m towpath_local.demo`, also known as `make demo`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console
from towpath_cli.endpoint import default_data_dir
from towpath_cli.failures import report
from towpath_sdk.errors import Unavailable

from towpath_local.demo.contents import SCALES
from towpath_local.demo.play import play
from towpath_local.demo.stage import reset
from towpath_local.embedded import EmbeddedServerError

_WIDE = 160
"""Columns of a "terminal" that is a file or a pipe."""


def main() -> int:
    """Run the demo; return 0 only when source and destination agree."""
    parser = argparse.ArgumentParser(
        prog="python -m towpath_local.demo",
        description="Move a million rows from PostgreSQL to S3 here, and compare. A second run is incremental.",
    )
    folder = default_data_dir() / "demo"
    parser.add_argument("--data-dir", type=Path, help=f"folder of its servers (default: {folder}, -docker)")
    parser.add_argument("--reset", action="store_true", help="forget earlier runs and start anew")
    parser.add_argument("--keep-running", action="store_true", help="leave everything up at the end, until Ctrl-C")
    parser.add_argument(
        "--scale", type=_scale, default=1.0, help="size of a new shop; 1 is about 1.4 million rows (default: 1)"
    )
    parser.add_argument(
        "--docker", type=Path, metavar="FOLDER", help="run the connectors in containers, built from this folder"
    )
    given = parser.parse_args()
    # Stopping is in `finally` blocks and context managers: a polite end has to pass through them.
    signal.signal(signal.SIGTERM, _interrupt)
    usual = folder if given.docker is None else folder.with_name("demo-docker")
    root: Path = (given.data_dir or usual).expanduser().absolute()
    try:
        if given.reset:
            reset(root)
        return play(root, _console(), scale=given.scale, keep_running=given.keep_running, images=given.docker)
    except EmbeddedServerError as error:
        return report(Unavailable(str(error)))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the edge: every error ends as one line here
        return report(error)


def _scale(text: str) -> float:
    least, most = SCALES
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not least <= scale <= most:
        raise argparse.ArgumentTypeError(f"choose a scale from {least:g} to {most:g}")
    return scale


def _console() -> Console:
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=_WIDE)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
