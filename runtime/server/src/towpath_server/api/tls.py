"""Certificate and key of the server, checked before anybody has to find out by failing to connect."""

from __future__ import annotations

from pathlib import Path

import grpc
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from towpath_sdk.errors import Misconfigured

__all__ = ["server_credentials"]


def server_credentials(cert_file: Path, key_file: Path) -> grpc.ServerCredentials:
    """Read a certificate chain and its private key, both PEM.

    Raises Misconfigured, naming the file, when one cannot be read or the key is not that of the first certificate.
    """
    chain, key = _read(cert_file), _read(key_file)
    try:
        of_certificate = load_pem_x509_certificates(chain)[0].public_key()
    except ValueError as error:
        raise _refused(f"{cert_file} holds no certificate in PEM") from error
    try:
        of_key = load_pem_private_key(key, None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _refused(f"{key_file} holds no private key in PEM without a password") from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if of_certificate.public_bytes(*form) != of_key.public_bytes(*form):
        raise _refused(f"{key_file} is not the key of the certificate in {cert_file}")
    return grpc.ssl_server_credentials([(key, chain)])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _refused(f"{path} cannot be read: {error.strerror}") from error


def _refused(problem: str) -> Misconfigured:
    return Misconfigured(problem, reason="INVALID_TLS")
