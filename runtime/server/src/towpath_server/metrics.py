"""What a server counts, in Prometheus' terms; shown only where --observe-listen is given."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "BYTES_COMMITTED",
    "CALLS",
    "CALL_SECONDS",
    "JOBS_ACTIVE",
    "JOBS_ENDED",
    "QUEUED_SECONDS",
    "ROWS_COMMITTED",
    "SILENT_SECONDS",
]

CALLS = Counter("towpath_calls", "Calls that this server answered.", ["method", "code"])
CALL_SECONDS = Histogram("towpath_call_seconds", "Time that calls with one answer took, in seconds.", ["method"])
JOBS_ENDED = Counter("towpath_jobs_ended", "Jobs that this server ended.", ["state"])
ROWS_COMMITTED = Counter("towpath_rows_committed", "Rows whose commits this server stored.")
BYTES_COMMITTED = Counter("towpath_bytes_committed", "Bytes of Arrow batches whose commits this server stored.")
# Of the database, so every server shows the same: take the maximum, not the sum.
JOBS_ACTIVE = Gauge("towpath_jobs_active", "Jobs that have not ended, of all servers.", ["state"])
QUEUED_SECONDS = Gauge("towpath_queued_seconds", "Age of the oldest job without an attempt, in seconds.")
SILENT_SECONDS = Gauge("towpath_silent_seconds", "Longest time for which a running job was not heard of, in seconds.")
