"""Encryption at rest: AES-256-GCM, bound to the place where the bytes are stored.

Sealed bytes are `version (1) | key id (8) | nonce (12) | ciphertext and tag`. The place ("sources/orders/config") is
authenticated with them, so that bytes copied from one row to another do not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from towpath_sdk.errors import Bug, Misconfigured

__all__ = ["Sealer", "new_key"]

_VERSION = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 8
_NONCE_BYTES = 12
_HEADER = len(_VERSION) + _ID_BYTES


def new_key() -> str:
    """Return a fresh key: 32 random bytes as URL-safe base64."""
    return base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()


class Sealer:
    """Seals with the first of its keys and opens with any of them, so that keys can be exchanged one by one."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take keys as `new_key` makes them, newest first. Raises Misconfigured when one is malformed or none there."""
        if not keys:
            raise Misconfigured("there is no encryption key", reason="NO_KEY")
        decoded = [_decode(key, number) for number, key in enumerate(keys, start=1)]
        self._primary = _id_of(decoded[0])
        self._ciphers = {_id_of(key): AESGCM(key) for key in decoded}

    def seal(self, place: str, clear: bytes) -> bytes:
        """Return `clear`, encrypted for `place`."""
        nonce = os.urandom(_NONCE_BYTES)
        ciphertext = self._ciphers[self._primary].encrypt(nonce, clear, place.encode())
        return _VERSION + self._primary + nonce + ciphertext

    def open(self, place: str, sealed: bytes) -> bytes:
        """Return what was sealed for `place`.

        Raises Misconfigured when its key is not among ours, Bug when the bytes were changed or moved.
        """
        key_id, nonce = sealed[1:_HEADER], sealed[_HEADER : _HEADER + _NONCE_BYTES]
        cipher = self._ciphers.get(key_id)
        if sealed[:1] != _VERSION or cipher is None:
            raise Misconfigured(
                f"{place} was encrypted with the key {key_id.hex()}, which this server does not have; add that key to "
                "the key file, below the first line",
                reason="KEY_MISSING",
            )
        try:
            return cipher.decrypt(nonce, sealed[_HEADER + _NONCE_BYTES :], place.encode())
        except InvalidTag as error:
            raise Bug(f"{place} does not open with its key: the stored bytes were changed or moved") from error

    def is_current(self, sealed: bytes) -> bool:
        """Say whether `sealed` was sealed with the first key."""
        return sealed[1:_HEADER] == self._primary


def _decode(key: str, number: int) -> bytes:
    try:
        decoded = base64.urlsafe_b64decode(key.strip().encode())
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != _KEY_BYTES:
        raise Misconfigured(
            f"encryption key {number} is not 32 bytes in URL-safe base64; make one with "
            "`openssl rand -base64 32 | tr +/ -_`",
            reason="INVALID_KEY",
        )
    return decoded


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"towpath key id" + key).digest()[:_ID_BYTES]
