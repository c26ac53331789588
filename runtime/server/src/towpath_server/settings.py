"""Settings of a server, read once at the start from flags and the environment."""

from __future__ import annotations

import argparse
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from towpath_contracts import TASK_QUEUE
from towpath_sdk.errors import Misconfigured

from towpath_server.database.sealing import new_key
from towpath_server.domain.access import new_secret
from towpath_server.use_cases.caretaker import CareTimes
from towpath_server.use_cases.tasks import TaskLimits

__all__ = ["Settings", "read_settings"]

_PREFIX = "TOWPATH_SERVER_"


@dataclass(frozen=True)
class Settings:
    """Everything a server is told.

    `listen` is `host:port` or `unix:/path`. `users` and `workers` are bearer tokens of admins and of workers that count
    beside those in the database; None lets everybody in. `keys` are encryption keys,
    newest first. `observe_listen` is `host:port` of metrics and health, empty for none.
    """

    listen: str
    database_url: str = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)
    users: tuple[str, ...] | None = field(default=None, repr=False)
    workers: tuple[str, ...] | None = field(default=None, repr=False)
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "towpath"
    task_queue: str = TASK_QUEUE
    lease: timedelta = timedelta(seconds=30)
    limits: TaskLimits = field(default_factory=TaskLimits)
    care: CareTimes = field(default_factory=CareTimes)
    observe_listen: str = ""
    log_level: str = "info"
    log_format: str = "console"

    def check(self) -> Settings:
        """Return these settings if a server may run with them. Raises Misconfigured otherwise.

        Beyond loopback tokens and TLS are demanded: configurations with secrets travel here.
        """
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise Misconfigured("TLS needs both --tls-cert-file and --tls-key-file", reason="INVALID_TLS")
        if self.lease < timedelta(seconds=2):
            raise Misconfigured(
                "--lease must be at least 2 seconds: it is renewed once a second", reason="INVALID_LEASE"
            )
        if _is_local(self.listen):
            return self
        missing = [
            name
            for name, absent in (
                ("--auth on", self.users is None or self.workers is None),
                ("--tls-cert-file and --tls-key-file", self.tls_cert_file is None),
            )
            if absent
        ]
        if missing:
            raise Misconfigured(
                f"listening on {self.listen}, beyond loopback, needs {' and '.join(missing)}", reason="UNSAFE_LISTEN"
            )
        return self


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Build settings from flags, and from TOWPATH_SERVER_* where a flag is absent.

    Exits with the usage when a flag is unknown. Raises Misconfigured when the settings contradict themselves, a file
    that they name cannot be read, or a flag holds a password.
    """
    given = _parser(environment).parse_args(arguments)
    _keep_password_off_the_process_list(given.database_url, environment)
    insecure = given.auth == "off"
    if insecure and not _is_local(given.listen):
        raise Misconfigured("--auth off is for loopback only", reason="UNSAFE_LISTEN")
    if given.create_token_file and given.token_file:
        _write_secret(Path(given.token_file), new_secret())
    users = _secrets("token", given.token_file, environment)
    workers = _secrets("worker token", given.worker_token_file, environment)
    settings = Settings(
        listen=given.listen,
        database_url=given.database_url,
        keys=_keys(given.key_file, environment, create=given.create_key_file),
        users=None if insecure else users or (),
        # A worker token that is there is asked for also with --auth off: the answers hold secrets in clear.
        workers=workers if insecure else workers or (),
        tls_cert_file=_path(given.tls_cert_file),
        tls_key_file=_path(given.tls_key_file),
        temporal_address=given.temporal_address,
        temporal_namespace=given.temporal_namespace,
        task_queue=given.task_queue,
        lease=timedelta(seconds=given.lease),
        care=replace(CareTimes(), silence=given.lease),
        observe_listen=given.observe_listen,
        log_level=given.log_level,
        log_format=given.log_format,
    )
    return settings.check()


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="towpath-server", description=f"Towpath's server. Each flag can be set as {_PREFIX}<FLAG> too."
    )

    def add(flag: str, default: str, text: str, kind: type = str, choices: Sequence[str] | None = None) -> None:
        variable = _PREFIX + flag.replace("-", "_").upper()
        parser.add_argument(
            f"--{flag}", default=environment.get(variable, default), help=text, type=kind, choices=choices
        )

    add("listen", "127.0.0.1:7070", "host:port or unix:/path to serve at (default %(default)s)")
    add("database-url", "sqlite:///towpath.db", "sqlite:///file or postgresql://… (default %(default)s)")
    add("key-file", environment.get("TOWPATH_KEY_FILE", ""), "encryption keys, one a line, newest first")
    parser.add_argument("--create-key-file", action="store_true", help="make the key file when it is absent")
    add("auth", "on", "off lets everybody in, on loopback only", choices=("on", "off"))
    add("token-file", "", "bearer tokens of admins, one a line, beside those that the API makes")
    parser.add_argument("--create-token-file", action="store_true", help="make the token file when it is absent")
    add("worker-token-file", "", "bearer tokens of workers, one a line, beside those that the API makes")
    add("tls-cert-file", "", "certificate chain in PEM")
    add("tls-key-file", "", "private key in PEM")
    add("temporal-address", "127.0.0.1:7233", "host:port of Temporal (default %(default)s)")
    add("temporal-namespace", "towpath", "namespace in Temporal (default %(default)s)")
    add("task-queue", TASK_QUEUE, "task queue that workers poll (default %(default)s)")
    add("lease", "30", "seconds for which a worker may go on unheard (default %(default)s)", kind=float)
    add("observe-listen", "", "host:port for /metrics, /healthz and /readyz, with TLS as above; none by default")
    add("log-level", "info", "debug, info, warning or error", choices=("debug", "info", "warning", "error"))
    add("log-format", "console", "console or json", choices=("console", "json"))
    return parser


def _keep_password_off_the_process_list(database_url: str, environment: Mapping[str, str]) -> None:
    """Raise Misconfigured when the URL was a flag, which every user of the machine can read, and holds a password."""
    variable = f"{_PREFIX}DATABASE_URL"
    if database_url != environment.get(variable) and urlsplit(database_url).password:
        raise Misconfigured(
            f"--database-url holds a password, and flags are visible in the process list; set {variable} instead, or"
            " name a passfile",
            reason="PASSWORD_IN_FLAG",
        )


def _is_local(listen: str) -> bool:
    if listen.startswith("unix:"):
        return True
    host = listen.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _secrets(what: str, file: str, environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the tokens in a file, or in the environment; None when there are none."""
    variable = _PREFIX + what.replace(" ", "_").upper()
    lines = _lines(Path(file), what) if file else environment.get(variable, "").split()
    return tuple(lines) or None


def _keys(file: str, environment: Mapping[str, str], *, create: bool) -> tuple[str, ...]:
    if file:
        path = Path(file)
        if create:
            _write_secret(path, new_key())
        return tuple(_lines(path, "encryption key"))
    keys = environment.get(f"{_PREFIX}KEYS", "").split()
    if not keys:
        raise Misconfigured(
            f"give --key-file with an encryption key, or {_PREFIX}KEYS; --create-key-file makes one", reason="NO_KEY"
        )
    return tuple(keys)


def _write_secret(path: Path, secret: str) -> None:
    """Write a file that only its owner can read, unless it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        # Of an earlier start, or another server on the same folder was faster: what it holds is ours too.
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")


def _lines(path: Path, what: str) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except OSError as error:
        raise Misconfigured(
            f"the {what} file {path} cannot be read: {error.strerror}", reason="UNREADABLE_FILE"
        ) from error
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise Misconfigured(f"the {what} file {path} is empty", reason="EMPTY_FILE")
    return found
