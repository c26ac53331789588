"""Whether a server can be reached and trusted, found out below the level of PostgreSQL: name, port, TLS.

libpq says in prose only why it could not connect, and prose is no ground for a decision; these questions have exact
answers.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping

from towpath_sdk.errors import Misconfigured, Unavailable

from towpath_source_postgres.config import PostgresConfig, SslMode

__all__ = ["reach", "secure"]

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_VERIFYING = (SslMode.VERIFY_CA, SslMode.VERIFY_FULL)


def reach(config: PostgresConfig) -> socket.socket:
    """Return a TCP connection to the server. Raises Misconfigured for an unknown host, Unavailable for a silent one."""
    where = f"{config.host}:{config.port}"
    try:
        return socket.create_connection((config.host, config.port), timeout=config.connect_timeout_seconds)
    except (socket.gaierror, UnicodeError) as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise Unavailable(
                f"the name service does not answer for host {config.host}; it is tried again",
                reason="NAME_SERVICE_UNAVAILABLE",
            ) from error
        raise Misconfigured(
            f"host {config.host} cannot be resolved; check its name",
            reason="UNKNOWN_HOST",
            fields={"host": "cannot be resolved"},
        ) from error
    except ConnectionRefusedError as error:
        raise Unavailable(
            f"nothing listens at {where}; check host and port, and that the server accepts TCP connections",
            reason="CONNECTION_REFUSED",
        ) from error
    except OSError as error:
        raise Unavailable(
            f"no answer from {where} ({error}); check host, port and the firewalls in between",
            reason="SERVER_UNREACHABLE",
        ) from error


def secure(config: PostgresConfig, files: Mapping[str, str]) -> None:
    """Ask for TLS as libpq would, and verify what sslmode asks for.

    `files` are libpq's parameters, of which sslrootcert, sslcert and sslkey name files. Raises Misconfigured when
    what the server offers or shows, or a certificate of the configuration, does not do.
    Source: PostgreSQL manual, "Message Flow", SSL Session Encryption.
    """
    if config.sslmode is SslMode.DISABLE:
        return
    context = _tls_context(config, files)
    with reach(config) as plain:
        try:
            plain.sendall(_SSL_REQUEST)
            offered = plain.recv(1) == b"S"
        except OSError as error:
            raise Unavailable(f"the server hung up when asked for TLS: {error}", reason="TLS_FAILED") from error
        if not offered:
            _without_tls(config.sslmode)
            return
        try:
            context.wrap_socket(plain, server_hostname=config.host).close()
        except ssl.SSLCertVerificationError as error:
            raise Misconfigured(
                f"the server's certificate is not trusted ({error.verify_message}); "
                "check ssl_root_certificate, and that host is a name in the server's certificate",
                reason="UNTRUSTED_CERTIFICATE",
                fields={"ssl_root_certificate": "does not verify the server"},
            ) from error
        except OSError as error:
            raise Unavailable(f"the TLS handshake failed: {error}", reason="TLS_FAILED") from error


def _without_tls(sslmode: SslMode) -> None:
    if sslmode not in (SslMode.ALLOW, SslMode.PREFER):
        raise Misconfigured(
            f"the server offers no TLS, but sslmode is {sslmode.value}; "
            "turn ssl on in postgresql.conf, or choose prefer or disable",
            reason="NO_TLS",
            fields={"sslmode": "the server offers no TLS"},
        )


def _tls_context(config: PostgresConfig, files: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = config.sslmode is SslMode.VERIFY_FULL
    context.verify_mode = ssl.CERT_REQUIRED if config.sslmode in _VERIFYING else ssl.CERT_NONE
    if config.sslmode in _VERIFYING:
        try:
            context.load_verify_locations(files["sslrootcert"])
        except OSError as error:
            raise _no_certificate("ssl_root_certificate", "no PEM certificate") from error
    if config.ssl_client_certificate is not None:
        try:
            # A password callback keeps OpenSSL from asking for one at a terminal.
            context.load_cert_chain(files["sslcert"], files["sslkey"], password=lambda: b"")
        except OSError as error:
            raise _no_certificate("ssl_client_certificate", "no PEM certificate that fits ssl_client_key") from error
    return context


def _no_certificate(field: str, problem: str) -> Misconfigured:
    return Misconfigured(f"{field} is {problem}", reason="BAD_CERTIFICATE", fields={field: problem})
