"""What `towpath up` serves: one address, under a strict policy, for this machine only."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect
from stack import Stack
from web_page import open_page


def _get(stack: Stack, path: str, host: str = "") -> http.client.HTTPResponse:
    """Ask the web address of the stack, by another host name where `host` is given."""
    address = urlsplit(stack.endpoint.web).netloc
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", path, headers={"Host": host or address})
    return connection.getresponse()


@pytest.fixture(autouse=True)
def web(browser: Browser, stack: Stack) -> None:
    """Without browser or assets there is nothing to serve."""
    assert stack.endpoint.web, "towpath up serves no web client although it is built"


def test_newcomer_opens_one_address_and_is_told_what_to_do(browser: Browser, stack: Stack) -> None:
    """The page works under its policy, asks nobody else for anything, and says nothing in the console."""
    with open_page(browser, stack.endpoint.web) as tab:
        tab.go("/")
        expect(tab.page).to_have_url(f"{tab.base}/connections")
        expect(tab.page.get_by_role("heading", name="Connections", exact=True)).to_be_visible()
        tab.link("Connectors").click()
        tab.sees("Amazon S3")
        assert tab.complaints == []
        assert tab.foreign == []


def test_policy_allows_nothing_inline_and_nobody_else(stack: Stack) -> None:
    """A text of some source that is shown as markup by mistake must not become a script."""
    policy = _get(stack, "/").getheader("content-security-policy") or ""
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy


def test_other_host_names_are_refused(stack: Stack) -> None:
    """There is no token on loopback: a page elsewhere that points its name here must not become a user."""
    assert _get(stack, "/", host="evil.example").status == 421
    assert _get(stack, "/towpath.control.v1.SourceService/ListSources", host="evil.example:80").status == 421
    assert _get(stack, "/", host="localhost:1").status == 200


def test_every_address_is_a_page_and_a_lost_file_is_none(stack: Stack) -> None:
    """Links into the client work when they are opened first; an old tab after an update gets no page as its script."""
    assert (_get(stack, "/connections/shop").getheader("content-type") or "").startswith("text/html")
    assert _get(stack, "/assets/old-1234.js").status == 404


def test_worker_api_is_not_reachable_from_the_browser(stack: Stack) -> None:
    """Only control.v1 passes: what hands out secrets to workers has no way through the web address."""
    answer = _get(stack, "/towpath.runtime.v1.WorkerService/GetTask")
    assert (answer.getheader("content-type") or "").startswith("text/html"), "it is a page like any other path"
