"""Start the connector: `python -m towpath_source_postgres`."""

from __future__ import annotations

from towpath_sdk import serve

from towpath_source_postgres.source import PostgresSource


def main() -> None:
    """Serve until told to stop."""
    serve(PostgresSource())


if __name__ == "__main__":
    main()
