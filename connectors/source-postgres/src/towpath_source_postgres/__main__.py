"""Start the connector: `python -m towpath_source_postgres`."""

from __future__ import annotations

from towpath_sdk import lean, serve

from towpath_source_postgres.source import PostgresSource


def main() -> None:
    """Serve until told to stop."""
    lean.loaded()
    serve(PostgresSource())


if __name__ == "__main__":
    main()
