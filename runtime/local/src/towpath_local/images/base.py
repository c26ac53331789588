"""A base image that is made of this machine's Python, for machines that can reach no registry.

The interpreter, its standard library and the shared libraries that they and common wheels are linked against become
one layer, with nothing else in it: no shell, no package manager. The library comes with its bytecode, where there is
any: the root of a container is read-only, so that each one would compile what it imports, again and again. Where
a registry can be reached, python:X.Y-slim does the same service.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["BASE_IMAGE", "import_base"]

BASE_IMAGE = f"towpath-python:{sys.version_info.major}.{sys.version_info.minor}"
"""The image's name."""

_USER = 10001
_LEFT_OUT = re.compile(
    r"/(site-packages|dist-packages|test|tests|idlelib|tkinter|turtledemo|lib2to3|ensurepip)(/|$)|\.opt-[12]\.pyc$"
    r"|/config-[^/]+(/|$)|\.a$|/_(tkinter|testcapi|testinternalcapi|test[a-z]+)\.[^/]*so$"
)
_WANTED_BY_WHEELS = re.compile(
    r"/(ld-linux[^/]*|lib(rt|dl|pthread|util|resolv|stdc\+\+|gcc_s|nss_dns|nss_files)\.so\.[0-9.]+)$"
)
_LIBRARY = re.compile(r"(?:=> |^\s+)(/\S+) \(0x", re.MULTILINE)
_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt")
_NAMES = {
    "etc/passwd": f"root:x:0:0::/root:/sbin/nologin\nconnector:x:{_USER}:{_USER}::/tmp:/sbin/nologin\n",
    "etc/group": f"root:x:0:\nconnector:x:{_USER}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def import_base(client: Any) -> str:
    """Make the image BASE_IMAGE on the engine of `client`, unless it is there; return its name. Takes some seconds.

    `client` is a client of the Docker SDK. Raises OSError when this Python is no dynamically linked one of Linux.
    """
    if client.images.list(name=BASE_IMAGE):
        return BASE_IMAGE
    repository, _, tag = BASE_IMAGE.partition(":")
    changes = [
        "ENV PATH=/usr/local/bin LD_LIBRARY_PATH=/usr/local/lib LANG=C.UTF-8",
        "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
        'CMD ["python3"]',
    ]
    with tempfile.NamedTemporaryFile(prefix="towpath-base-") as archive:
        _write_archive(archive)
        archive.flush()
        client.api.import_image_from_file(archive.name, repository, tag, changes=changes)
    return BASE_IMAGE


def _write_archive(file: Any) -> None:
    python = Path(sys.executable).resolve()
    standard = Path(sysconfig.get_path("stdlib"))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with tarfile.open(fileobj=file, mode="w", dereference=True) as archive:
        archive.add(python, f"usr/local/bin/python{version}", filter=_plain)
        for name in ("python3", "python"):
            link = tarfile.TarInfo(f"usr/local/bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, f"python{version}"
            archive.addfile(link)
        archive.add(standard, f"usr/local/lib/python{version}", filter=_plain)
        for library in sorted(_libraries(python, standard)):
            ours = library.is_relative_to(sys.base_prefix) and not library.is_relative_to("/usr/lib")
            archive.add(library, f"usr/local/lib/{library.name}" if ours else str(library), filter=_plain)
        authorities = next(filter(Path.exists, map(Path, _AUTHORITIES)), None)
        if authorities is not None:
            archive.add(authorities, "etc/ssl/certs/ca-certificates.crt", filter=_plain)
        for name, text in _NAMES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
        temporary = tarfile.TarInfo("tmp")
        temporary.type, temporary.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(temporary)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what no connector needs; the rest belongs to root and may be read by everybody, whoever it is here."""
    if _LEFT_OUT.search(f"/{member.name}"):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() or member.mode & 0o111 else 0o644
    return member


def _libraries(python: Path, standard: Path) -> Iterator[Path]:
    """Everything that the interpreter and its own extensions are linked against, and what wheels expect to be there."""
    extensions = [path for path in (standard / "lib-dynload").glob("*.so") if not _LEFT_OUT.search(str(path))]
    linked = set(_linked([python, *extensions]))
    folders = {path.parent for path in linked}
    yield from linked
    for folder in folders:
        yield from (path for path in folder.iterdir() if path not in linked and _WANTED_BY_WHEELS.search(str(path)))


def _linked(files: Iterable[Path]) -> Iterator[Path]:
    done = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True, check=False)
    found = {Path(path) for path in _LIBRARY.findall(done.stdout)}
    if not found:
        raise OSError(
            f"ldd finds no libraries of {sys.executable}: {done.stderr.strip() or 'it is not linked dynamically'}"
        )
    yield from found
