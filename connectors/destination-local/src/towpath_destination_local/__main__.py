"""Start the connector: `python -m towpath_destination_local`."""

from __future__ import annotations

from towpath_sdk import lean, serve
from towpath_sdk.files import give_memory_back

from towpath_destination_local.destination import LocalDestination


def main() -> None:
    """Serve until told to stop."""
    lean.loaded()
    give_memory_back()
    serve(LocalDestination())


if __name__ == "__main__":
    main()
