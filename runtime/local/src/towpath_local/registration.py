"""Registers the built-in connectors in the background, while the supervisor looks after its services."""

from __future__ import annotations

import threading
import time

from towpath_cli.client import Client
from towpath_cli.target import Target
from towpath_sdk.errors import TowpathError, Unavailable

from towpath_local.builtin_connectors import installed_connectors, register

__all__ = ["Registration"]

_TRIES_SECONDS = 180.0
_PAUSE = 1.0


class Registration:
    """One thread that registers every connector once; `outcome` tells when it is done."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._failures: list[str] = []
        self._thread = threading.Thread(target=self._run, name="register-connectors", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def outcome(self) -> list[str] | None:
        """Return None while it works, then what went wrong, one line per connector."""
        return None if self._thread.is_alive() else self._failures

    def _run(self) -> None:
        with Client(self._target) as client:
            for connector in installed_connectors():
                deadline = time.monotonic() + _TRIES_SECONDS
                while True:
                    try:
                        register(client, connector)
                    except Unavailable as error:
                        # The worker may still be starting, or somebody is just being started again.
                        if time.monotonic() < deadline:
                            time.sleep(_PAUSE)
                            continue
                        self._failures.append(f"connector {connector.id} was not registered: {_first_line(error)}")
                    except TowpathError as error:
                        self._failures.append(f"connector {connector.id} was not registered: {_first_line(error)}")
                    break


def _first_line(error: TowpathError) -> str:
    """What follows in a message is the connector's own output, which is in the worker's log too."""
    return error.message.partition("\n")[0]
