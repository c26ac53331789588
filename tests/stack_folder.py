"""What a first `towpath up` leaves in its data folder, kept for others of this run.

Each would start the four connectors that come with Towpath, to learn what they are: half of what a start costs.
"""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from towpath_local.data_folder import DataFolder

__all__ = ["known_before"]


@contextmanager
def known_before(data_dir: Path, kept: Path) -> Generator[None]:
    """Fill a new data folder with what is kept, for a first start in the block; or keep what that has made.

    `kept` is a folder that all processes of pytest share. Of those that start at once, the others wait for the first.
    """
    new, known = DataFolder(data_dir), DataFolder(kept / "data")
    with (kept / "data.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not known.root.exists():
            yield
            _copy(new, DataFolder(kept / "draft"))
            (kept / "draft").rename(known.root)
            return
    _copy(known, new)
    yield


def _copy(old: DataFolder, new: DataFolder) -> None:
    """Copy the metadata, and the keys without which they are worthless; a server may be running on the old ones."""
    new.prepare()
    shutil.copytree(old.key_file.parent, new.key_file.parent, dirs_exist_ok=True)
    with closing(sqlite3.connect(old.metadata)) as source, closing(sqlite3.connect(new.metadata)) as target:
        source.backup(target)
