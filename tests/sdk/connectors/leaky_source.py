# ruff: noqa: ARG002, T201 - the signatures are the SDK's; printing is the leak
"""A source that tells its secrets in every way that an author could think of."""

from __future__ import annotations

import base64
import json
import logging
import sys
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pyarrow as pa
import structlog
from pydantic import field_validator
from towpath_sdk import Checkpoint, Config, Context, Denied, Probe, ReadStream, Record, Secret, Source, Stream, serve


class Login(Config):
    """Two secrets."""

    user: str
    password: Secret
    private_key: Secret | None = None
    state_leaks: bool = False

    @field_validator("user")
    @classmethod
    def user_is_known(cls, user: str) -> str:
        """Break down in a way that pydantic does not expect."""
        if user == "nobody":
            raise RuntimeError("there is no user nobody")
        return user

    @field_validator("password")
    @classmethod
    def password_is_long(cls, password: Secret) -> Secret:
        """Complain with the value, or break down with it."""
        text = password.get_secret_value()
        if text.startswith("short"):
            raise ValueError(f"{text} is too short")
        if text.startswith("broken"):
            raise RuntimeError(f"cannot judge {text}")
        return password


class LeakySource(Source[Login]):
    """Leaks wherever it can."""

    def check(self, config: Login) -> Iterator[Probe]:
        """Fail with the secret in every part of the failure."""
        secret = config.password.get_secret_value()

        def fail() -> None:
            raise Denied(f"{secret} is wrong", reason=f"WRONG_{secret}", fields={f"x.{secret}": f"not {secret}"})

        yield Probe("login", fail)

    def discover(self, config: Login) -> Iterator[Stream]:
        """One stream."""
        yield Stream("things", {"n": pa.int64()})

    def read(self, config: Login, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Print, log and raise the secret in all of its spellings."""
        secret = config.password.get_secret_value()
        for text in spellings(secret):
            tell(text, context)
        if config.private_key is not None:
            print(config.private_key.get_secret_value())
        sys.stdout.write(secret[:5])
        sys.stdout.flush()
        sys.stdout.write(secret[5:] + "\n")
        sys.stdout.write("." * 16_380 + secret)  # a line that is cut in the middle of the secret
        sys.stdout.write("." * 16_380 + secret + "\nend of what was printed\n")
        if config.state_leaks:
            yield Checkpoint({"url": f"https://{quote(secret, safe='')}@host"})
        raise ConnectionError(f"could not log in with {secret}")


def spellings(secret: str) -> list[str]:
    """Return how a secret is written into URLs, headers and JSON."""
    return [
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode(),
        base64.b64encode(f"user:{secret}".encode()).decode(),
        json.dumps({"password": secret}),
        repr(secret),
    ]


def tell(text: str, context: Context) -> None:
    """Print and log."""
    print("printed", text)
    print("printed", text, file=sys.stderr)
    context.log("info", f"logged {text}", attribute=text)
    logging.getLogger("author").warning("logged %s", text, extra={"more": text})
    structlog.get_logger("author").info(f"logged {text}", name=text, nested={"deep": [text]})
    try:
        int(text)
    except ValueError:
        logging.getLogger("author").exception("failed with %s", text)


if __name__ == "__main__":
    serve(LeakySource())
