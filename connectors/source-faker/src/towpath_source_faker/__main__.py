"""Start the connector: `python -m towpath_source_faker`."""

from __future__ import annotations

from towpath_sdk import serve

from towpath_source_faker.source import FakerSource


def main() -> None:
    """Serve until told to stop."""
    serve(FakerSource())


if __name__ == "__main__":
    main()
