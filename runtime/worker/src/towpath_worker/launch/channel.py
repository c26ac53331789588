"""Channels to connectors: in the clear through a socket of this machine, over TLS to any other address."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
import grpc.aio

__all__ = ["CERTIFIED_NAME", "channel_to"]

CERTIFIED_NAME = "connector.towpath.internal"
"""The name in the certificate of a connector, whatever its address; each certificate is good for one start only."""


def channel_to(
    address: str,
    certificate: bytes | None,
    options: Sequence[tuple[str, int | str]] = (),
    interceptors: Sequence[grpc.aio.ClientInterceptor] = (),
) -> grpc.aio.Channel:
    """Open a channel to a connector; with a certificate (PEM) it is that connector that answers, or nobody."""
    if certificate is None:
        return grpc.aio.insecure_channel(address, options=options, interceptors=interceptors)
    credentials = grpc.ssl_channel_credentials(root_certificates=certificate)
    named = (*options, ("grpc.ssl_target_name_override", CERTIFIED_NAME))
    return grpc.aio.secure_channel(address, credentials, options=named, interceptors=interceptors)
