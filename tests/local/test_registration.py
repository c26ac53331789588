"""The connectors that come with Towpath are registered while somebody waits for `towpath up`."""

from __future__ import annotations

import time
from threading import Barrier

import pytest
from towpath_cli.client import Client
from towpath_cli.target import Target
from towpath_local import registration
from towpath_local.builtin_connectors import BuiltinConnector
from towpath_sdk.errors import Misconfigured

_IDS = ("source-one", "source-two", "destination-one")


def test_connectors_are_registered_at_once_and_failures_told_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other they took two seconds of a first start; and the same failure must read the same each time."""
    all_there = Barrier(len(_IDS))

    def register(_client: Client, connector: BuiltinConnector) -> bool:
        place = _IDS.index(connector.id)
        all_there.wait(timeout=30)
        time.sleep(0.05 * (len(_IDS) - place))
        if connector.id != "source-two":
            raise Misconfigured(f"{connector.id} is broken\nand says a lot")
        return True

    monkeypatch.setattr(registration, "installed_connectors", lambda: [BuiltinConnector(one, (), "1") for one in _IDS])
    monkeypatch.setattr(registration, "register", register)
    running = registration.Registration(Target("localhost:1"))
    running.start()
    deadline = time.monotonic() + 60
    while (failures := running.outcome()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert failures == [
        "connector source-one was not registered: source-one is broken",
        "connector destination-one was not registered: destination-one is broken",
    ]
