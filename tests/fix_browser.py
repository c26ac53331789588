"""A real Chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fix_requirements import missing, require_program
from playwright.sync_api import Browser, sync_playwright
from towpath_local.web import find_assets

_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    # Chromium drops what is under way on HTTP/2, and that alone, when a network of the machine comes or goes, as those
    # of Docker do.
    "--disable-http2",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module: Playwright's loop occupies its thread, and the next module may want one of its own."""
    # The shell is Chromium without its windows, of which nothing is seen here.
    chromium = require_program("chromium-headless-shell", "run scripts/system-packages.sh as root", "chromium")
    if not find_assets():
        missing("the built web client", "run make web-build")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        try:
            yield running
        finally:
            running.close()
