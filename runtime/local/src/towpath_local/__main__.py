"""`python -m towpath_local` is `towpath up`."""

from __future__ import annotations

import sys

from towpath_cli.__main__ import run

if __name__ == "__main__":
    sys.exit(run(["up", *sys.argv[1:]]))
