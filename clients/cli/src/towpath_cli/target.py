"""Which server to talk to and how: address, token, TLS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from towpath_sdk.errors import Misconfigured

from towpath_cli.endpoint import DEFAULT_ADDRESS, default_data_dir, read_endpoint

__all__ = ["Target", "find_target"]


@dataclass(frozen=True)
class Target:
    """A server: `address` is `host:port`; `ca` is a PEM bundle, with which (as with `tls`) the channel is encrypted.

    `found_in` says where the address comes from, for error messages.
    """

    address: str
    token: str | None = field(default=None, repr=False)
    tls: bool = False
    ca: bytes | None = field(default=None, repr=False)
    found_in: str = "--server"

    @property
    def loopback(self) -> bool:
        """Whether the address is one of this machine's own."""
        host = self.address.rpartition(":")[0].strip("[]")
        return host in ("localhost", "::1") or host.startswith("127.")


def find_target(
    *,
    server: str | None,
    token_file: Path | None,
    ca_file: Path | None,
    tls: bool,
    data_dir: Path | None,
    environ: Mapping[str, str],
) -> Target:
    """Decide which server a command talks to.

    The address is `server`, or the one that a running `towpath up` wrote into the data folder, or the default one. The
    token is the content of `token_file`, or `TOWPATH_TOKEN`. Raises Misconfigured for an address without a port or a
    file that cannot be read.
    """
    address, found_in = server, "--server"
    if address is None:
        folder = data_dir or default_data_dir()
        endpoint = read_endpoint(folder)
        address, found_in = (endpoint.address, str(folder)) if endpoint else (DEFAULT_ADDRESS, "the default")
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise Misconfigured(f"`{address}` is not an address; write HOST:PORT, such as {DEFAULT_ADDRESS}")
    token = _read(token_file, "token file").decode().strip() if token_file else environ.get("TOWPATH_TOKEN")
    ca = _read(ca_file, "CA file") if ca_file else None
    return Target(address=address, token=token or None, tls=tls or ca is not None, ca=ca, found_in=found_in)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"cannot read the {what} {path}: {error.strerror}") from error
