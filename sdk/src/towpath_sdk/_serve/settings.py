"""What the environment says, read once."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from towpath_sdk.errors import Misconfigured

__all__ = ["Settings", "settings_from"]

_MAX_SOCKET_PATH_BYTES = 107
_MAX_PORT = 65_535


@dataclass(frozen=True)
class Settings:
    """How to serve.

    `listen` is `unix:/path` or `host:port`. `drain_seconds` bounds the time between SIGTERM and the end;
    `batch_bytes` is the size at which record batches are cut.
    """

    listen: str
    token: str | None = None
    tls_certificate: bytes | None = None
    tls_key: bytes | None = None
    exit_with_parent: bool = False
    drain_seconds: float = 20.0
    batch_bytes: int = 4 * 1024 * 1024
    max_calls: int = 128

    def __post_init__(self) -> None:
        """Raises Misconfigured when the settings contradict each other or expose the connector without a token."""
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise Misconfigured("TOWPATH_TLS_CERT_FILE and TOWPATH_TLS_KEY_FILE go together: set both or none")
        if self.listen.startswith("unix:"):
            path = self.socket_path
            if not path or len(path.encode()) > _MAX_SOCKET_PATH_BYTES:
                raise Misconfigured(
                    f"TOWPATH_LISTEN: the path of a Unix socket has 1 to {_MAX_SOCKET_PATH_BYTES} bytes, not {path!r}"
                )
            return
        host, separator, port = self.listen.rpartition(":")
        if not separator or not host or not port.isdecimal() or int(port) > _MAX_PORT:
            raise Misconfigured(f"TOWPATH_LISTEN is unix:/path or host:port, not {self.listen!r}")
        if self.token is None and not _is_loopback(host.strip("[]")):
            raise Misconfigured(
                f"refusing to listen on {host} without a token: set TOWPATH_TOKEN_FILE, or listen on 127.0.0.1 or on a"
                " Unix socket"
            )

    @property
    def socket_path(self) -> str | None:
        """Path of the Unix socket; None for host and port."""
        if not self.listen.startswith("unix:"):
            return None
        path = self.listen.removeprefix("unix:")
        return "/" + path.lstrip("/") if path.startswith("//") else path


def settings_from(environ: Mapping[str, str]) -> Settings:
    """Read the settings. Raises Misconfigured naming the variable at fault."""
    listen = environ.get("TOWPATH_LISTEN", "")
    if not listen:
        raise Misconfigured(
            "TOWPATH_LISTEN is not set: say where to listen, for example TOWPATH_LISTEN=unix:/tmp/connector.sock"
        )
    return Settings(
        listen=listen,
        token=_token(environ),
        tls_certificate=_content(environ, "TOWPATH_TLS_CERT_FILE"),
        tls_key=_content(environ, "TOWPATH_TLS_KEY_FILE"),
        exit_with_parent=environ.get("TOWPATH_EXIT_WITH_PARENT", "") == "1",
        drain_seconds=_number(environ, "TOWPATH_DRAIN_SECONDS", 20.0),
        batch_bytes=int(_number(environ, "TOWPATH_BATCH_BYTES", 4 * 1024 * 1024)),
    )


def _token(environ: Mapping[str, str]) -> str | None:
    content = _content(environ, "TOWPATH_TOKEN_FILE")
    if content is None:
        return None
    token = content.decode("ascii", "replace").strip()
    if not token:
        raise Misconfigured(f"TOWPATH_TOKEN_FILE: {environ['TOWPATH_TOKEN_FILE']} is empty")
    return token


def _content(environ: Mapping[str, str], variable: str) -> bytes | None:
    path = environ.get(variable, "")
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Misconfigured(f"{variable}: cannot read {path}: {error.strerror}") from error


def _number(environ: Mapping[str, str], variable: str, default: float) -> float:
    text = environ.get(variable, "")
    try:
        number = float(text) if text else default
    except ValueError:
        number = -1
    if not 0 < number < 2**31:
        raise Misconfigured(f"{variable} is a positive number, not {text!r}")
    return number


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
