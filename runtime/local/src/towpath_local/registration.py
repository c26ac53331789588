"""Registers the built-in connectors in the background, while the supervisor looks after its services."""

from __future__ import annotations

import threading
import time

from towpath_cli.client import Client
from towpath_cli.target import Target
from towpath_sdk.errors import TowpathError, Unavailable

from towpath_local.builtin_connectors import BuiltinConnector, installed_connectors, register

__all__ = ["Registration"]

_TRIES_SECONDS = 180.0
_PAUSE = 1.0


class Registration:
    """Registers every connector once, all at the same time; `outcome` tells when that is done."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._failures: list[str] = []
        self._thread = threading.Thread(target=self._run, name="register-connectors", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def outcome(self) -> list[str] | None:
        """Return None while it works, then what went wrong, one line per connector, in the connectors' order."""
        return None if self._thread.is_alive() else self._failures

    def _run(self) -> None:
        with Client(self._target) as client:
            attempts = [_Attempt(client, connector) for connector in installed_connectors()]
            for attempt in attempts:
                attempt.start()
            for attempt in attempts:
                attempt.join()
        self._failures = [attempt.failure for attempt in attempts if attempt.failure]


class _Attempt(threading.Thread):
    """Registers one connector. Not in a pool, whose threads would keep a program that is to stop from ending."""

    def __init__(self, client: Client, connector: BuiltinConnector) -> None:
        super().__init__(name=f"register-{connector.id}", daemon=True)
        self.failure = ""
        self._client = client
        self._connector = connector

    def run(self) -> None:
        """Try until it is registered, or until there is no point in trying; `failure` says why, in one line."""
        deadline = time.monotonic() + _TRIES_SECONDS
        while True:
            try:
                register(self._client, self._connector)
            except Unavailable as error:
                # The worker may still be starting, or somebody is just being started again.
                if time.monotonic() < deadline:
                    time.sleep(_PAUSE)
                    continue
                self.failure = f"connector {self._connector.id} was not registered: {_first_line(error)}"
            except TowpathError as error:
                self.failure = f"connector {self._connector.id} was not registered: {_first_line(error)}"
            return


def _first_line(error: TowpathError) -> str:
    """What follows in a message is the connector's own output, which is in the worker's log too."""
    return error.message.partition("\n")[0]
