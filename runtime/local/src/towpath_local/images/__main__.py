"""`python -m towpath_local.images FOLDER`, also known as `make images`."""

from __future__ import annotations

import sys
from pathlib import Path

from towpath_cli.failures import report
from towpath_sdk.errors import Unavailable

from towpath_local.embedded.docker import running_engine
from towpath_local.embedded.errors import EmbeddedServerError
from towpath_local.images.build import build_connectors


def main() -> int:
    """Build the image of every connector below FOLDER, and print their names; return the exit code."""
    folder = Path(sys.argv[1])
    url = running_engine()
    if url is None:
        return report(Unavailable("no Docker engine answers; start it (systemctl start docker), or set DOCKER_HOST"))
    names = sorted(file.parent.name for file in folder.glob("*/Dockerfile"))
    try:
        for image in build_connectors(folder, {name: f"towpath-{name}:latest" for name in names}, url):
            sys.stdout.write(f"{image}\n")
    except EmbeddedServerError as error:
        return report(Unavailable(str(error)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
