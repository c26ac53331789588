"""A connector as a process of its own, started the way a launcher starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from towpath_sdk.client import ConnectorClient
from towpath_sdk.errors import Unavailable
from towpath_sdk.testing.calls import ConnectorCalls
from towpath_sdk.testing.loop_thread import LoopThread

__all__ = ["ConnectorProcess", "connector_process"]


class ConnectorProcess(ConnectorCalls):
    """A connector that runs in another process; this one holds the other end of its standard input."""

    def __init__(
        self,
        loop: LoopThread,
        client: ConnectorClient,
        timeout: float,
        process: subprocess.Popen[bytes],
        log: Path,
    ) -> None:
        super().__init__(loop, client, timeout)
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """The process has not ended."""
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """Everything on standard output and standard error so far."""
        return self._log.read_text("utf-8", "replace")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal such as SIGTERM; returns at once."""
        self._process.send_signal(number)

    def close_stdin(self) -> None:
        """Close standard input, as the death of the parent does."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def wait_ready(self) -> None:
        """Wait until it serves. Raises Unavailable, with what it printed, when it does not or ends before."""
        try:
            self._loop.run(_ready(self.client, self._process, self._timeout), self._timeout + 1)
        except Unavailable as error:
            raise Unavailable(f"{error.message}; it printed: {self.output}", reason=error.reason) from None

    def wait_exit(self, timeout: float | None = None) -> int:
        """Wait for the end, in seconds, and return the exit code; minus the signal's number if one killed it.

        Raises Unavailable (TIMEOUT) when it lives on.
        """
        limit = self._timeout if timeout is None else timeout
        try:
            return self._process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"the connector lives on after {limit:g} s", reason="TIMEOUT") from None


@contextmanager
def connector_process(
    *command: str | Path,
    listen: str | None = None,
    token: str | None = None,
    root_certificates: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout: float = 60,
) -> Generator[ConnectorProcess]:
    """Run a connector's command, such as `python my_source.py`, for the time of the `with` block.

    It listens on `listen` (`unix:/path` or `host:port`), by default on a Unix socket in a private folder, and ends with
    this process. `timeout` bounds its start and each call, in seconds. `environment` is added to the environment of
    this process; it runs in `folder`, by default in that of this process. With `root_certificates` (PEM) it is spoken
    to over TLS.
    """
    loop = LoopThread()
    try:
        with tempfile.TemporaryDirectory(prefix="towpath-", ignore_cleanup_errors=True) as private:
            address = listen or f"unix:{Path(private) / 'connector.sock'}"
            variables = {**os.environ, "TOWPATH_LISTEN": address, "TOWPATH_EXIT_WITH_PARENT": "1"}
            if token is not None:
                token_file = Path(private) / "token"
                token_file.write_text(token)
                variables["TOWPATH_TOKEN_FILE"] = str(token_file)
            log = Path(private) / "log"
            with log.open("wb") as output:
                process = subprocess.Popen(
                    [str(part) for part in command],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    cwd=folder,
                    env={**variables, **(environment or {})},
                )
            try:
                client = loop.run(_client(address, token, root_certificates), timeout)
                try:
                    connector = ConnectorProcess(loop, client, timeout, process, log)
                    connector.wait_ready()
                    yield connector
                finally:
                    loop.run(client.close(), timeout)
            finally:
                _end(process)
    finally:
        loop.close()


async def _client(address: str, token: str | None, root_certificates: bytes | None) -> ConnectorClient:
    return ConnectorClient(address, token=token, root_certificates=root_certificates)


async def _ready(client: ConnectorClient, process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait in short steps, so that a process that ends at once is noticed at once."""
    left = seconds
    while True:
        if process.poll() is not None:
            raise Unavailable(f"the connector ended with exit code {process.returncode}", reason="ENDED")
        step = min(left, 0.5)
        try:
            return await client.wait_ready(step)
        except Unavailable:
            left -= step
            if left <= 0:
                raise


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
