"""The store's failures in Towpath's kinds, told apart by error codes and exception types, never by their words."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Generator, Mapping

from botocore import exceptions as botocore
from towpath_sdk.errors import Bug, Denied, Misconfigured, Throttled, TowpathError, Unavailable

__all__ = ["error_code", "translated"]

_THROTTLED = (Throttled, "the store asked to slow down")
_DENIED = (Denied, "check the credentials and the policies of user and bucket")
_UNAVAILABLE = (Unavailable, "the store failed; it is tried again")

_ELSEWHERE = (Misconfigured, "the bucket is in another region; set region")

# Error codes of the S3 API; HEAD requests have no body, so their codes are bare HTTP statuses.
RULES: Mapping[str, tuple[type[TowpathError], str]] = {
    "SlowDown": _THROTTLED,
    "Throttling": _THROTTLED,
    "ThrottlingException": _THROTTLED,
    "RequestLimitExceeded": _THROTTLED,
    "TooManyRequests": _THROTTLED,
    "429": _THROTTLED,
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "AccountProblem": _DENIED,
    "InvalidAccessKeyId": (Denied, "the access key is unknown to the store"),
    "SignatureDoesNotMatch": (Denied, "the secret does not belong to the access key"),
    "ExpiredToken": (Denied, "the temporary credentials have expired"),
    "InvalidToken": (Denied, "the session token is wrong"),
    "RequestTimeTooSkewed": (Denied, "the clock of this machine is wrong"),
    "403": _DENIED,
    "401": _DENIED,
    "NoSuchBucket": (Misconfigured, "create the bucket, or check its name and region"),
    "InvalidBucketName": (Misconfigured, "check the name of the bucket"),
    "PermanentRedirect": _ELSEWHERE,
    "AuthorizationHeaderMalformed": _ELSEWHERE,
    "IllegalLocationConstraintException": _ELSEWHERE,
    "301": _ELSEWHERE,
    "KMS.NotFoundException": (Misconfigured, "check kms_key_id"),
    "KMS.DisabledException": (Misconfigured, "enable the key, or set another kms_key_id"),
    "KeyTooLongError": (Misconfigured, "shorten path_template or prefix"),
    "QuotaExceeded": (Misconfigured, "the store is full or the quota is used up"),
    "NotImplemented": (Misconfigured, "the store lacks what Towpath needs, such as multipart uploads"),
    "404": (Misconfigured, "check the names of bucket and prefix"),
    "InternalError": _UNAVAILABLE,
    "ServiceUnavailable": _UNAVAILABLE,
    "OperationAborted": _UNAVAILABLE,
    "RequestTimeout": _UNAVAILABLE,
    "IncompleteBody": _UNAVAILABLE,
    "BadDigest": _UNAVAILABLE,
    "500": _UNAVAILABLE,
    "502": _UNAVAILABLE,
    "503": _UNAVAILABLE,
    "504": _UNAVAILABLE,
}
_SERVER_ERRORS = 500
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|\W+")
_NO_CREDENTIALS = (
    botocore.NoCredentialsError,
    botocore.PartialCredentialsError,
    botocore.CredentialRetrievalError,
    botocore.MetadataRetrievalError,
    botocore.TokenRetrievalError,
    botocore.SSOError,
    botocore.UnauthorizedSSOTokenError,
    botocore.ProfileNotFound,
    botocore.InvalidConfigError,
)
_TLS_BROKE_OFF = ("UNEXPECTED_EOF_WHILE_READING", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "BAD_RECORD_MAC")
_MISCONFIGURED = (
    botocore.ParamValidationError,
    botocore.InvalidRegionError,
    botocore.NoRegionError,
    botocore.EndpointProviderError,
    botocore.UnknownEndpointError,
    botocore.InvalidS3AddressingStyleError,
    botocore.UnsupportedS3ConfigurationError,
)


def error_code(error: botocore.ClientError) -> str:
    """Return the code of an answer, such as "NoSuchUpload"; for a HEAD request the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextlib.contextmanager
def translated(doing: str) -> Generator[None]:
    """Raise botocore's errors as Towpath's; `doing` says what failed, such as "writing to bucket x"."""
    try:
        yield
    except botocore.ClientError as error:
        raise _of_answer(error, doing) from error
    except _NO_CREDENTIALS as error:
        raise Denied(
            f"no credentials for {doing}; set access_key_id and secret_access_key, or give the worker an AWS role",
            reason="NO_CREDENTIALS",
        ) from error
    except botocore.EndpointConnectionError as error:
        raise Unavailable(
            f"the store cannot be reached for {doing}; check endpoint and region, and that the store runs",
            reason="ENDPOINT_UNREACHABLE",
        ) from error
    except botocore.SSLError as error:
        if _broke_off(error):
            raise Unavailable(f"the TLS connection broke while {doing}", reason="CONNECTION_LOST") from error
        raise Misconfigured(
            f"the TLS connection for {doing} failed; check endpoint and the certificates that this machine trusts",
            reason="TLS_FAILED",
        ) from error
    except (botocore.HTTPClientError, botocore.ConnectionError, botocore.IncompleteReadError) as error:
        raise Unavailable(
            f"the connection broke while {doing}: {type(error).__name__}", reason="CONNECTION_LOST"
        ) from error
    except _MISCONFIGURED as error:
        raise Misconfigured(f"{doing}: {error}", reason="INVALID_PARAMETER") from error
    except botocore.BotoCoreError as error:
        raise Bug(f"{doing}: {type(error).__name__}: {error}") from error


def _broke_off(error: botocore.SSLError) -> bool:
    """Tell a TLS connection that ended too early from one that could never be: OpenSSL's reasons are codes."""
    found: object = error
    while found is not None:
        if isinstance(found, ssl.SSLError):
            return (
                isinstance(found, ssl.SSLEOFError | ssl.SSLZeroReturnError)
                or getattr(found, "reason", None) in _TLS_BROKE_OFF
            )
        if isinstance(found, botocore.SSLError):
            found = found.kwargs.get("error")
        else:
            found = found.args[0] if isinstance(found, Exception) and found.args else None
    return False


def _of_answer(error: botocore.ClientError, doing: str) -> TowpathError:
    code = error_code(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    kind, remedy = RULES.get(code) or RULES.get(str(status)) or (Bug, "report this")
    if kind is Bug and status >= _SERVER_ERRORS:
        kind, remedy = _UNAVAILABLE
    message = str(error.response.get("Error", {}).get("Message", "") or "")
    named = code or f"HTTP {status}"
    return kind(
        f"{doing}: the store answered {named}{f' ({message})' if message else ''}; {remedy}",
        reason=_reason(code or str(status)),
    )


def _reason(code: str) -> str:
    """Turn "NoSuchBucket" into "NO_SUCH_BUCKET", and "404" into "HTTP_404"."""
    return f"HTTP_{code}" if code.isdigit() else _WORD_ENDS.sub("_", code).upper()
