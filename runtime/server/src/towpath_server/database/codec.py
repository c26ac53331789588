"""Documents in text columns, and times in integer columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from towpath_sdk.errors import Kind, Owner

from towpath_server.domain.connection import Settings
from towpath_server.domain.failure import Failure
from towpath_server.domain.limits import ContainerLimits
from towpath_server.domain.publication import Decision
from towpath_server.domain.rates import Sample
from towpath_server.domain.schedule import Cron, Interval, Schedule
from towpath_server.domain.streams import ReadMode, StreamName, StreamSelection, WriteMode

__all__ = [
    "decode_decision",
    "decode_failure",
    "decode_samples",
    "decode_schedule",
    "decode_selection",
    "decode_selections",
    "decode_settings",
    "decode_stream_name",
    "encode_decision",
    "encode_failure",
    "encode_samples",
    "encode_schedule",
    "encode_selection",
    "encode_selections",
    "encode_settings",
    "encode_stream_name",
    "from_micros",
    "from_optional_micros",
    "micros",
    "optional_micros",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Document = dict[str, Any]


def micros(time: datetime) -> int:
    """Return `time` as microseconds since the Unix epoch."""
    return (time - _EPOCH) // _MICROSECOND


def optional_micros(time: datetime | None) -> int | None:
    """Return `time` as microseconds, None as None."""
    return None if time is None else micros(time)


def from_micros(value: int) -> datetime:
    """Return the time that `micros` encoded."""
    return _EPOCH + value * _MICROSECOND


def from_optional_micros(value: int | None) -> datetime | None:
    """Return the time that `optional_micros` encoded."""
    return None if value is None else from_micros(value)


def encode_failure(failure: Failure | None) -> str | None:
    """Return a failure as JSON text."""
    if failure is None:
        return None
    return _dump(
        {
            "kind": failure.kind.value,
            "reason": failure.reason,
            "message": failure.message,
            "owner": failure.owner.value,
            "origin": failure.origin,
        }
    )


def decode_failure(text: str | None) -> Failure | None:
    """Return the failure that `encode_failure` encoded."""
    if text is None:
        return None
    document = _load(text)
    return Failure(
        kind=Kind(document["kind"]),
        reason=document["reason"],
        message=document["message"],
        owner=Owner(document["owner"]),
        origin=document["origin"],
    )


def encode_selection(selection: StreamSelection) -> str:
    """Return a selection as JSON text."""
    return _dump(_selection_document(selection))


def decode_selection(text: str) -> StreamSelection:
    """Return the selection that `encode_selection` encoded."""
    return _selection(_load(text))


def encode_selections(selections: Sequence[StreamSelection]) -> str:
    """Return selections as JSON text."""
    return json.dumps([_selection_document(selection) for selection in selections], ensure_ascii=False)


def decode_selections(text: str) -> tuple[StreamSelection, ...]:
    """Return the selections that `encode_selections` encoded."""
    documents: list[Document] = json.loads(text)
    return tuple(_selection(document) for document in documents)


def encode_schedule(schedule: Schedule) -> str:
    """Return a schedule as JSON text."""
    match schedule:
        case Interval(every):
            return _dump({"interval": every // _MICROSECOND})
        case Cron(expression, time_zone):
            return _dump({"cron": expression, "time_zone": time_zone})
        case None:
            return "{}"


def decode_schedule(text: str) -> Schedule:
    """Return the schedule that `encode_schedule` encoded."""
    document = _load(text)
    if "interval" in document:
        return Interval(document["interval"] * _MICROSECOND)
    if "cron" in document:
        return Cron(document["cron"], document["time_zone"])
    return None


def encode_settings(settings: Settings) -> str:
    """Return settings as JSON text."""
    return _dump(
        {
            "max_parallel_streams": settings.max_parallel_streams,
            "commit_bytes": settings.commit_bytes,
            "commit_interval": settings.commit_interval // _MICROSECOND,
            "max_attempts": settings.max_attempts,
            "source_limits": asdict(settings.source_limits),
            "destination_limits": asdict(settings.destination_limits),
        }
    )


def decode_settings(text: str) -> Settings:
    """Return the settings that `encode_settings` encoded."""
    document = _load(text)
    return Settings(
        max_parallel_streams=document["max_parallel_streams"],
        commit_bytes=document["commit_bytes"],
        commit_interval=document["commit_interval"] * _MICROSECOND,
        max_attempts=document["max_attempts"],
        # Settings that were stored before there were limits have none.
        source_limits=ContainerLimits(**document.get("source_limits", {})),
        destination_limits=ContainerLimits(**document.get("destination_limits", {})),
    )


def encode_samples(samples: Sequence[Sample]) -> str:
    """Return samples as JSON text."""
    return json.dumps([[sample.at, sample.rows, sample.bytes] for sample in samples])


def decode_samples(text: str) -> tuple[Sample, ...]:
    """Return the samples that `encode_samples` encoded."""
    rows: list[tuple[float, int, int]] = json.loads(text)
    return tuple(Sample(at, count, size) for at, count, size in rows)


def encode_decision(decision: Decision) -> str:
    """Return a decision as JSON text."""
    return _dump({"published": sorted(decision.published), "completed": sorted(decision.completed)})


def decode_decision(text: str) -> Decision:
    """Return the decision that `encode_decision` encoded."""
    document = _load(text)
    return Decision(frozenset(document["published"]), frozenset(document["completed"]))


def encode_stream_name(name: StreamName | None) -> str | None:
    """Return a stream's name as JSON text."""
    return None if name is None else json.dumps([name.namespace, name.name], ensure_ascii=False)


def decode_stream_name(text: str | None) -> StreamName | None:
    """Return the name that `encode_stream_name` encoded."""
    if text is None:
        return None
    namespace, name = json.loads(text)
    return StreamName(namespace, name)


def _selection_document(selection: StreamSelection) -> Document:
    return {
        "namespace": selection.name.namespace,
        "name": selection.name.name,
        "read_mode": int(selection.read_mode),
        "write_mode": int(selection.write_mode),
        "columns": selection.columns,
        "cursor_column": selection.cursor_column,
        "primary_key": selection.primary_key,
    }


def _selection(document: Document) -> StreamSelection:
    return StreamSelection(
        name=StreamName(document["namespace"], document["name"]),
        read_mode=ReadMode(document["read_mode"]),
        write_mode=WriteMode(document["write_mode"]),
        columns=tuple(document["columns"]),
        cursor_column=document["cursor_column"],
        primary_key=tuple(document["primary_key"]),
    )


def _dump(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False)


def _load(text: str) -> Document:
    return json.loads(text)
