"""The fixtures of the server's tests, which alone import all of the server."""

from server_bench import api, bench, sqlite_bench, with_settings
from server_ends import ends, registered, stored_ends
from server_metadata import metadata_url, migrated_file, postgres_url, spare_database, sqlite_url

__all__ = [
    "api",
    "bench",
    "ends",
    "metadata_url",
    "migrated_file",
    "postgres_url",
    "registered",
    "spare_database",
    "sqlite_bench",
    "sqlite_url",
    "stored_ends",
    "with_settings",
]
