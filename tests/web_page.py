"""A page of the web client as a test uses it: it knows the address, and fails for what a person would not see."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Locator, Page, expect

__all__ = ["WebPage", "open_page"]

Theme = Literal["light", "dark"]

_AXE = Path(__file__).parent.parent / "clients" / "web" / "node_modules" / "axe-core" / "axe.min.js"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

SECONDS = 20_000
"""Milliseconds for whatever a loaded machine does slowly."""


@dataclass
class WebPage:
    """One tab. `token` is for servers that ask for one.

    `complaints` is what the browser's console said: errors of scripts, and what the CSP forbade.
    """

    page: Page
    base: str
    token: str = ""
    complaints: list[str] = field(default_factory=list[str])
    foreign: list[str] = field(default_factory=list[str])

    def go(self, path: str) -> None:
        """Open an address of the client, sign in where that is asked for, and wait for its heading."""
        self.page.goto(f"{self.base}{path}")
        if self.token:
            self.page.get_by_label("API token").fill(self.token)
            self.button("Sign in").click()
            expect(self.page.get_by_label("API token")).to_have_count(0, timeout=SECONDS)
        expect(self.page.locator("h1, h2").first).to_be_visible(timeout=SECONDS)

    def button(self, name: str) -> Locator:
        """Return the button with this name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        """Return the link with this name."""
        return self.page.get_by_role("link", name=name, exact=True)

    def sees(self, text: str, seconds: float = 30) -> None:
        """Wait until a text is there to be seen."""
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=seconds * 1000)

    def use_theme(self, theme: Theme) -> None:
        """Switch the theme of the system, which the page follows while nobody chose one."""
        self.page.emulate_media(color_scheme=theme)

    def barriers(self, *rules: str) -> list[str]:
        """Judge the page with axe, by these rules or all; return one line per violation, with the element."""
        only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": _TAGS}
        if self.page.evaluate("typeof axe === 'undefined'"):
            self.page.evaluate(_AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("only => axe.run(document, {runOnly: only, resultTypes: ['violations']})", only)
        return [f"{each['id']}: {node['html'][:160]}" for each in found["violations"] for node in each["nodes"]]


@contextmanager
def open_page(browser: Browser, base: str, *, token: str = "", theme: Theme = "light") -> Generator[WebPage]:
    """Open a tab of its own, without anything that another one left in the browser; its console must stay silent.

    `token` signs in wherever the tab goes. The authority of a test's certificates is none that a browser knows.
    """
    context = browser.new_context(
        color_scheme=theme,
        reduced_motion="reduce",  # sixty pictures a second of something that turns are for somebody who looks
        viewport={"width": 1280, "height": 860},
        ignore_https_errors=base.startswith("https:"),
    )
    context.set_default_timeout(SECONDS)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    tab = WebPage(page, base.rstrip("/"), token)
    page.on("console", lambda said: tab.complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith((tab.base, "blob:")) else tab.foreign.append(sent.url))
    try:
        yield tab
    finally:
        context.close()
