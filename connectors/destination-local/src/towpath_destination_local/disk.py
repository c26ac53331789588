"""Durable changes of the file system, and its failures in Towpath's kinds, told apart by error numbers."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Generator
from pathlib import Path

from towpath_sdk import Denied, Misconfigured, TowpathError, Unavailable

__all__ = ["make_folder", "replace_file", "sync_folder", "translated"]

_USERS = {
    errno.ENOSPC: "the disk is full; make room",
    errno.EDQUOT: "the quota is used up; make room",
    errno.EROFS: "the file system is read-only; choose another path",
    errno.ENOTDIR: "a part of the path is no folder; choose another path",
    errno.ELOOP: "its symbolic links go in circles; choose another path",
    errno.ENAMETOOLONG: "the file system allows no name that long; rename the stream, or choose a shorter path",
}


@contextlib.contextmanager
def translated(doing: str) -> Generator[None]:
    """Raise the system's errors as Towpath's; `doing` says what failed, such as "writing to /data"."""
    try:
        yield
    except OSError as error:
        raise _of(error, doing) from error


def _of(error: OSError, doing: str) -> TowpathError:
    number = error.errno or 0
    reason = errno.errorcode.get(number, "IO_ERROR")
    if isinstance(error, PermissionError):
        return Denied(f"{doing}: permission denied; let the worker's user write there", reason=reason)
    if number in _USERS:
        return Misconfigured(f"{doing}: {_USERS[number]}", reason=reason)
    return Unavailable(f"{doing}: {error.strerror or error}", reason=reason)


def make_folder(folder: Path) -> None:
    """Create a folder and what is missing above it, durably."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names within a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes) -> None:
    """Give a file a new content, durably: whoever reads sees the old one or the new one, whole.

    For one caller at a time: what a crash leaves half written is overwritten by the next.
    """
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)
