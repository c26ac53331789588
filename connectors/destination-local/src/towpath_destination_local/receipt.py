"""Receipts: what one commit made durable, in the platform's keeping. Values in, bytes out; no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from towpath_sdk import StreamName
from towpath_sdk.errors import Bug

__all__ = ["StagedFile", "read_receipts", "write_receipt"]

_VERSION = 1


@dataclass(frozen=True)
class StagedFile:
    """One whole and durable file in the write's folder. `key` is set when its rows are merged by that primary key."""

    name: str
    stream: StreamName
    generation: int
    rows: int
    bytes: int
    key: tuple[str, ...] | None = None


def write_receipt(writer_id: str, epoch: int, commit_seq: int, files: Sequence[StagedFile]) -> bytes:
    """Return the receipt of one commit as UTF-8 JSON."""
    receipt = {
        "version": _VERSION,
        "writer": writer_id,
        "epoch": epoch,
        "commit": commit_seq,
        "files": [asdict(file) for file in files],
    }
    return json.dumps(receipt, separators=(",", ":")).encode()


def read_receipts(receipts: Iterable[bytes]) -> list[StagedFile]:
    """Return the files that receipts name, in their order. Raises Bug for bytes that are no receipt of ours."""
    return [file for receipt in receipts for file in _read(receipt)]


def _read(receipt: bytes) -> list[StagedFile]:
    try:
        content: dict[str, Any] = json.loads(receipt)
        if content["version"] != _VERSION:
            raise Bug(
                f"a receipt of version {content['version']} is unknown to this connector", reason="UNKNOWN_RECEIPT"
            )
        return [_file(item) for item in content["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Bug("a receipt cannot be read", reason="DAMAGED_RECEIPT") from error


def _file(item: dict[str, Any]) -> StagedFile:
    key = item["key"]
    name = Path(str(item["name"])).name  # whatever a receipt says, it stays within the folder
    return StagedFile(
        name=name,
        stream=StreamName(**item["stream"]),
        generation=int(item["generation"]),
        rows=int(item["rows"]),
        bytes=int(item["bytes"]),
        key=None if key is None else tuple(key),
    )
