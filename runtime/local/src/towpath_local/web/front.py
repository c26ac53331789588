"""What stands in front of Towpath's servers: where Envoy listens, under which names, and which servers are behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from towpath_local.embedded.ports import LOOPBACK

__all__ = ["Front", "local_front"]


@dataclass(frozen=True)
class Front:
    """`listen` and each of `servers` are `host:port`; files are PEM, where Envoy finds them.

    With a certificate Envoy speaks TLS to its callers; with `server_ca_file`, to the servers. Whoever calls by a host
    name other than `names` is refused. `for_workers` lets workers in by the same address, each with its token.
    """

    listen: str
    servers: Sequence[str]
    names: Sequence[str]
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    server_ca_file: Path | None = None
    for_workers: bool = False


def local_front(port: int, server_port: int) -> Front:
    """Return what `towpath up` uses: this machine's own address, one server, nothing encrypted on the loopback."""
    return Front(f"{LOOPBACK}:{port}", [f"{LOOPBACK}:{server_port}"], ["localhost", LOOPBACK, "[::1]"])
