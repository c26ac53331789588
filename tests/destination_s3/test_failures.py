"""Each failure of a store, of the network or of credentials has one kind: whose problem it is, whether to retry."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from botocore import exceptions as botocore
from towpath_destination_s3.failures import RULES, translated
from towpath_sdk import Bug, Denied, Misconfigured, Throttled, TowpathError, Unavailable


def answer(code: str, status: int, message: str = "") -> botocore.ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return botocore.ClientError(response, "PutObject")


def failure_of(error: Exception) -> TowpathError:
    with pytest.raises(TowpathError) as failure, translated("writing to bucket b"):
        raise error
    assert "writing to bucket b" in failure.value.message
    return failure.value


CODES: list[tuple[str, int, type[TowpathError], str]] = [
    ("SlowDown", 503, Throttled, "SLOW_DOWN"),
    ("Throttling", 400, Throttled, "THROTTLING"),
    ("ThrottlingException", 400, Throttled, "THROTTLING_EXCEPTION"),
    ("RequestLimitExceeded", 503, Throttled, "REQUEST_LIMIT_EXCEEDED"),
    ("TooManyRequests", 429, Throttled, "TOO_MANY_REQUESTS"),
    ("429", 429, Throttled, "HTTP_429"),
    ("AccessDenied", 403, Denied, "ACCESS_DENIED"),
    ("AllAccessDisabled", 403, Denied, "ALL_ACCESS_DISABLED"),
    ("AccountProblem", 403, Denied, "ACCOUNT_PROBLEM"),
    ("InvalidAccessKeyId", 403, Denied, "INVALID_ACCESS_KEY_ID"),
    ("SignatureDoesNotMatch", 403, Denied, "SIGNATURE_DOES_NOT_MATCH"),
    ("ExpiredToken", 400, Denied, "EXPIRED_TOKEN"),
    ("InvalidToken", 400, Denied, "INVALID_TOKEN"),
    ("RequestTimeTooSkewed", 403, Denied, "REQUEST_TIME_TOO_SKEWED"),
    ("403", 403, Denied, "HTTP_403"),
    ("401", 401, Denied, "HTTP_401"),
    ("NoSuchBucket", 404, Misconfigured, "NO_SUCH_BUCKET"),
    ("InvalidBucketName", 400, Misconfigured, "INVALID_BUCKET_NAME"),
    ("PermanentRedirect", 301, Misconfigured, "PERMANENT_REDIRECT"),
    ("AuthorizationHeaderMalformed", 400, Misconfigured, "AUTHORIZATION_HEADER_MALFORMED"),
    ("IllegalLocationConstraintException", 400, Misconfigured, "ILLEGAL_LOCATION_CONSTRAINT_EXCEPTION"),
    ("301", 301, Misconfigured, "HTTP_301"),
    ("KMS.NotFoundException", 400, Misconfigured, "KMS_NOT_FOUND_EXCEPTION"),
    ("KMS.DisabledException", 400, Misconfigured, "KMS_DISABLED_EXCEPTION"),
    ("KeyTooLongError", 400, Misconfigured, "KEY_TOO_LONG_ERROR"),
    ("QuotaExceeded", 403, Misconfigured, "QUOTA_EXCEEDED"),
    ("NotImplemented", 501, Misconfigured, "NOT_IMPLEMENTED"),
    ("404", 404, Misconfigured, "HTTP_404"),
    ("InternalError", 500, Unavailable, "INTERNAL_ERROR"),
    ("ServiceUnavailable", 503, Unavailable, "SERVICE_UNAVAILABLE"),
    ("OperationAborted", 409, Unavailable, "OPERATION_ABORTED"),
    ("RequestTimeout", 400, Unavailable, "REQUEST_TIMEOUT"),
    ("IncompleteBody", 400, Unavailable, "INCOMPLETE_BODY"),
    ("BadDigest", 400, Unavailable, "BAD_DIGEST"),
    ("500", 500, Unavailable, "HTTP_500"),
    ("502", 502, Unavailable, "HTTP_502"),
    ("503", 503, Unavailable, "HTTP_503"),
    ("504", 504, Unavailable, "HTTP_504"),
    ("NeverHeardOf", 503, Unavailable, "NEVER_HEARD_OF"),
    ("NeverHeardOf", 507, Unavailable, "NEVER_HEARD_OF"),
    ("NeverHeardOf", 403, Denied, "NEVER_HEARD_OF"),
    ("NeverHeardOf", 400, Bug, "NEVER_HEARD_OF"),
    ("", 500, Unavailable, "HTTP_500"),
]


@pytest.mark.parametrize(("code", "status", "kind", "reason"), CODES)
def test_answer_of_the_store_is_of_one_kind(code: str, status: int, kind: type[TowpathError], reason: str) -> None:
    """The kind decides whether a job waits and goes on, or stops and asks its user."""
    failure = failure_of(answer(code, status))
    assert (type(failure), failure.reason) == (kind, reason)


def test_every_code_that_is_known_stands_in_the_table() -> None:
    """A rule without a test is a guess."""
    assert {code for code, _, _, _ in CODES} >= set(RULES)


@pytest.mark.parametrize("words", ["Access Denied", "SlowDown", "", "no such bucket"])
def test_words_of_the_store_decide_nothing(words: str) -> None:
    """Stores word their answers as they like, and some in other languages."""
    assert type(failure_of(answer("InternalError", 500, words))) is Unavailable


def tls_error(inner: Exception) -> botocore.SSLError:
    """As botocore raises it: urllib3's error in its own, OpenSSL's within that."""
    return botocore.SSLError(endpoint_url="https://s3", error=ValueError(inner))


def openssl(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "words")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (botocore.NoCredentialsError(), Denied, "NO_CREDENTIALS"),
        (botocore.PartialCredentialsError(provider="env", cred_var="x"), Denied, "NO_CREDENTIALS"),
        (botocore.CredentialRetrievalError(provider="x", error_msg="y"), Denied, "NO_CREDENTIALS"),
        (botocore.MetadataRetrievalError(error_msg="x"), Denied, "NO_CREDENTIALS"),
        (botocore.UnauthorizedSSOTokenError(), Denied, "NO_CREDENTIALS"),
        (botocore.TokenRetrievalError(provider="sso", error_msg="x"), Denied, "NO_CREDENTIALS"),
        (botocore.ProfileNotFound(profile="x"), Denied, "NO_CREDENTIALS"),
        (botocore.EndpointConnectionError(endpoint_url="http://s3"), Unavailable, "ENDPOINT_UNREACHABLE"),
        (botocore.ConnectTimeoutError(endpoint_url="http://s3"), Unavailable, "CONNECTION_LOST"),
        (botocore.ReadTimeoutError(endpoint_url="http://s3"), Unavailable, "CONNECTION_LOST"),
        (botocore.ConnectionClosedError(endpoint_url="http://s3"), Unavailable, "CONNECTION_LOST"),
        (botocore.ProxyConnectionError(proxy_url="http://p"), Unavailable, "CONNECTION_LOST"),
        (botocore.ResponseStreamingError(error="x"), Unavailable, "CONNECTION_LOST"),
        (botocore.IncompleteReadError(actual_bytes=1, expected_bytes=2), Unavailable, "CONNECTION_LOST"),
        (tls_error(ssl.SSLCertVerificationError(1, "words")), Misconfigured, "TLS_FAILED"),
        (tls_error(openssl("WRONG_VERSION_NUMBER")), Misconfigured, "TLS_FAILED"),
        (tls_error(ssl.SSLEOFError(8, "words")), Unavailable, "CONNECTION_LOST"),
        (tls_error(openssl("UNEXPECTED_EOF_WHILE_READING")), Unavailable, "CONNECTION_LOST"),
        (botocore.InvalidRegionError(region_name="not a region"), Misconfigured, "INVALID_PARAMETER"),
        (botocore.ParamValidationError(report="x"), Misconfigured, "INVALID_PARAMETER"),
        (botocore.EndpointProviderError(msg="x"), Misconfigured, "INVALID_PARAMETER"),
        (botocore.UnknownServiceError(service_name="x", known_service_names="y"), Bug, "BUG"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_failure_short_of_an_answer_is_of_one_kind(error: Exception, kind: type[TowpathError], reason: str) -> None:
    """A connection that breaks mends itself; a certificate that is refused does not."""
    failure = failure_of(error)
    assert (type(failure), failure.reason) == (kind, reason)


def test_failures_of_towpaths_own_pass_unchanged() -> None:
    """What was told apart once is not judged again."""
    with pytest.raises(Denied, match=r"^mine$"), translated("anything"):
        raise Denied("mine")
