"""A client for one configuration: botocore's, which is boto3's without its transfers, which nobody here uses.

The first client of a session takes a twentieth of a second, because it reads the description of S3, and the next ones
take little: one session serves the whole process. It is not safe in threads, hence the lock; the clients are.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError
from botocore.session import get_session
from towpath_sdk import Misconfigured

from towpath_destination_s3.config import Encryption, S3Config
from towpath_destination_s3.failures import translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["ATTEMPTS", "encryption_options", "new_client"]

ATTEMPTS = 6
"""How often a request is tried in all; botocore waits up to 1, 2, 4, 8 and 16 s in between."""

_CONNECTIONS = 16
_CONNECT_SECONDS = 5
_READ_SECONDS = 60

_lock = threading.Lock()
_sessions: list[Any] = []


def new_client(config: S3Config, attempts: int) -> S3Client:
    """Return a client that tries each request `attempts` times. Raises Misconfigured, or Denied without credentials."""
    options = BotoConfig(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if config.path_style else "auto"},
        user_agent_extra="towpath-destination-s3",
    )
    with _lock, translated("setting up the client"):
        if not _sessions:
            _sessions.append(_new_session())
        try:
            return _sessions[0].create_client(
                "s3",
                region_name=config.region,
                endpoint_url=config.endpoint,
                aws_access_key_id=config.access_key_id,
                aws_secret_access_key=_reveal(config.secret_access_key),
                aws_session_token=_reveal(config.session_token),
                config=options,
            )
        except BotoCoreError:
            raise
        except ValueError as error:  # botocore's judgement of an address
            raise Misconfigured(
                "endpoint is no address of a store; give one such as https://s3.example.com",
                reason="INVALID_ENDPOINT",
                fields={"endpoint": "is no address"},
            ) from error


def _new_session() -> Any:
    """Make a session that does not look for S3 among the folders of four hundred services, 0.02 s."""

    def only_s3(_: str) -> list[str]:
        return ["s3"]

    session: Any = get_session()
    session.get_component("data_loader").list_available_services = only_s3
    return session


def encryption_options(config: S3Config) -> dict[str, Any]:
    """Return the parameters that ask the store to encrypt an object."""
    if config.encryption is Encryption.NONE:
        return {}
    options: dict[str, Any] = {"ServerSideEncryption": config.encryption.value}
    if config.kms_key_id is not None:
        options["SSEKMSKeyId"] = config.kms_key_id
    return options


def _reveal(secret: Any) -> str | None:
    return None if secret is None else secret.get_secret_value()
