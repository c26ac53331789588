"""The Docker engine from an event loop: the SDK blocks, so that its calls run in a few threads of their own.

The default threads of the loop would not do: a pull takes minutes, and everything else would wait behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import docker
from docker.errors import APIError, DockerException
from towpath_sdk.errors import Owner, Unavailable

__all__ = ["Engine", "said", "status"]

T = TypeVar("T")

_THREADS = 8
_SECONDS = 120
_NO_VERSION_ASKED = "1.41"
"""Any that the SDK knows: with one it makes no request of its own at the start."""


class Engine:
    """The engine that DOCKER_HOST names, or the system's. It is asked for the first time when it is needed."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._client: Any = None

    async def run(self, call: Callable[[Any], T]) -> T:
        """Run `call` with a client of the Docker SDK in a thread; a cancel does not stop it.

        Raises Unavailable when the engine does not answer; what it refuses comes as docker.errors.APIError.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._call, call)

    def close(self) -> None:
        """Let go of the engine; calls in progress end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _call(self, call: Callable[[Any], T]) -> T:
        try:
            if self._client is None:
                self._client = _connect()
            return call(self._client)
        except APIError:
            raise
        except (DockerException, OSError) as error:
            raise Unavailable(
                "the Docker engine does not answer this worker; start it, or set DOCKER_HOST of the worker, and see"
                f" that its user may use it: {error}",
                reason="DOCKER_UNAVAILABLE",
                owner=Owner.PLATFORM,
            ) from error


def _connect() -> Any:
    """Connect as DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say, and in the version that the engine speaks."""
    first = _client(_NO_VERSION_ASKED)
    try:
        version = str(first.api.version(api_version=False)["ApiVersion"])
    finally:
        first.close()
    return _client(version)


def _client(version: str) -> Any:
    client = cast("Any", docker).from_env(timeout=_SECONDS, version=version)
    # Otherwise REQUESTS_CA_BUNDLE, which is for other servers, would count more than the engine's own authority.
    client.api.trust_env = False
    return client


def said(error: APIError) -> str:
    """Return the engine's own words."""
    return str(cast("Any", error).explanation or error)


def status(error: APIError) -> int:
    """Return the HTTP status; 500 when there was none."""
    return int(cast("Any", error).status_code or 500)
