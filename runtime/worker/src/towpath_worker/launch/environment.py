"""What connectors see of the worker's environment: a short list, so that the worker's own secrets stay with it.

Passed on: where programs, homes and temporary files are; language and time zone; certificate authorities and proxies;
and AWS_*, because the default credential chain of S3 reads it. Both connectors of a job see the same. Everything
else, and every TOWPATH_ variable above all, is left out unless TOWPATH_WORKER_CONNECTOR_ENV names it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

__all__ = ["connector_environment", "container_environment"]

_PASSED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "AWS_*",
)

_ALLOCATOR = {
    # glibc gives memory back after every message of some MiB, and faults it in again for the next: keeping it saves
    # up to a third of the CPU time of a hop. But each of its arenas, of which every thread may get one, keeps for
    # itself: with one arena, a connector needs a third less.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
}

_ARITHMETIC = {
    # Arrow loads numpy where it is installed, and numpy's BLAS starts a thread for each core, which spins for a while:
    # a sixth of the CPU time of a connector's start. Nobody multiplies matrices here; who does, passes it on by name.
    "OPENBLAS_NUM_THREADS": "1",
}


def connector_environment(environ: Mapping[str, str], extra: Iterable[str] = ()) -> dict[str, str]:
    """Return the part of `environ` that connectors see; `extra` names more variables, and may end in `*`.

    The folder of the worker's interpreter is added to the end of PATH, so that connectors which are installed beside
    the worker are found. TOWPATH_WORKER_* never passes.
    """
    patterns = (*_PASSED, *extra)
    passed = {
        name: value
        for name, value in environ.items()
        if not name.startswith("TOWPATH_WORKER_") and any(fnmatchcase(name, pattern) for pattern in patterns)
    }
    own = os.path.dirname(sys.executable)  # noqa: PTH120 - never resolved: a virtual environment's link must stay
    passed["PATH"] = os.pathsep.join(part for part in (passed.get("PATH", os.defpath), own) if part)
    passed["PYTHONUNBUFFERED"] = "1"  # the last words of a connector that dies must not stay in its buffer
    return _ARITHMETIC | passed | _ALLOCATOR


def container_environment(environ: Mapping[str, str], names: Iterable[str] = ()) -> dict[str, str]:
    """Return the part of `environ` that containers see: what `names` names, which may end in `*`, and nothing else.

    A container brings its own paths, certificates and time zone; the worker's credentials are not for it.
    """
    patterns = tuple(names)
    passed = {
        name: value
        for name, value in environ.items()
        if not name.startswith("TOWPATH_WORKER_") and any(fnmatchcase(name, pattern) for pattern in patterns)
    }
    return _ARITHMETIC | passed | {"PYTHONUNBUFFERED": "1"} | _ALLOCATOR
