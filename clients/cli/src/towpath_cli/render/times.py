"""Moments and spans as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["moment", "span"]


def moment(timestamp: Timestamp) -> str:
    """Return a moment in the zone of this machine, to the second; empty when it is not set."""
    if timestamp.seconds == 0:
        return ""
    return timestamp.ToDatetime(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def span(start: Timestamp, end: Timestamp) -> str:
    """Return the time from start to end, or to now when the end is not set; empty without a start."""
    if start.seconds == 0:
        return ""
    until = end.ToDatetime(tzinfo=UTC) if end.seconds else datetime.now(UTC)
    elapsed = max(until - start.ToDatetime(tzinfo=UTC), timedelta())
    minutes, seconds = divmod(elapsed.total_seconds(), 60)
    return f"{minutes:.0f}m {seconds:02.0f}s" if minutes else f"{seconds:.1f}s"
