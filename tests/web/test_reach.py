"""Everybody can use every page: without a mouse, in the dark, on a telephone, with 10,000 streams."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from stack import Stack
from towpath.connector.v1.types_pb2 import ReadMode, StreamName
from towpath.control.v1.connections_pb2 import Connection, ConnectionStream
from towpath.control.v1.jobs_pb2 import Job
from web_page import SECONDS, WebPage, open_page

_STREAMS = 10_000
_SCREENS = os.environ.get("TOWPATH_SCREENS", "")
"""A folder for pictures of every page; none are made without it. `make web-screens` sets it."""


@dataclass(frozen=True)
class Place:
    """One page: its picture's name, its address, and a text that is there once it is complete."""

    name: str
    path: str
    text: str


@pytest.fixture(scope="module")
def jobs(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    """A connection that works, one that does not, and one whose source changes, each with a finished job."""
    names = ("customers", "orders", "events", "types")
    config = {"seed": 7, "rows": 20_000, "batch_rows": 1_000, "checkpoint_rows": 1_000}
    failing = {**config, "failures": {"streams": {"orders": {"kind": "denied", "after_rows": 100}}}}
    changing = {"seed": 7, "schema_change_after_rows": 300}
    made = dict[str, Job]()
    folder: Path = tmp_path_factory.mktemp("reach")
    with stack.client() as client:
        client.destinations.create("reach-lake", "destination-local", {"path": str(folder)})
        client.sources.create("reach-many", "source-faker", {"seed": 7, "extra_streams": _STREAMS})
        for name, fields in {"reach-shop": config, "reach-shop-eu": failing, "reach-changing": changing}.items():
            client.sources.create(name, "source-faker", fields)  # pyright: ignore[reportArgumentType]
            streams = [_stream(each, incremental=fields is changing) for each in names]
            connection = Connection(source=f"sources/{name}", destination="destinations/reach-lake", streams=streams)
            connection.schedule.cron.expression = "0 3 * * *"
            connection.settings.commit_bytes = 1 << 17
            made[name] = client.connections.sync(client.connections.create(name, connection).name)
    return {name: stack.wait(job) for name, job in made.items()}


def _stream(name: str, *, incremental: bool) -> ConnectionStream:
    if incremental and name != "types":
        mode = ReadMode.READ_MODE_INCREMENTAL
        return ConnectionStream(name=StreamName(name=name), read_mode=mode, cursor_column="updated_at")
    return ConnectionStream(name=StreamName(name=name), read_mode=ReadMode.READ_MODE_SNAPSHOT)


@pytest.fixture
def tab(browser: Browser, stack: Stack) -> Iterator[WebPage]:
    """One tab."""
    with open_page(browser, stack.endpoint.web) as opened:
        yield opened


def _places(jobs: dict[str, Job]) -> list[Place]:
    return [
        Place("connections", "/connections", "reach-shop-eu"),
        Place("connection", "/connections/reach-shop", "Rows per run"),
        Place("connection-streams", "/connections/reach-shop?tab=streams", "4 of "),
        Place("connection-state", "/connections/reach-changing?tab=state", "What the source asked"),
        Place("connection-schema", "/connections/reach-changing?tab=schema", "New schema delivered"),
        Place("connection-settings", "/connections/reach-shop?tab=settings", "The next five times"),
        Place("connection-events", "/connections/reach-shop?tab=events", "anonymous"),
        Place("connection-yaml", "/connections/reach-shop?tab=yaml", "kind: connection"),
        Place("connection-new", "/connections/new?source=reach-shop&destination=reach-lake", "of 6 streams selected"),
        Place("jobs", "/jobs", "Every run of every connection"),
        Place("job", f"/{jobs['reach-shop'].name}", "customers"),
        Place("job-failed", f"/{jobs['reach-shop-eu'].name}", "Yours to mend"),
        Place("sources", "/sources", "reach-shop"),
        Place("source-new", "/sources/new", "PostgreSQL"),
        Place("source-form", "/sources/new?connector=source-postgres", "Host name or address"),
        Place("source", "/sources/reach-shop", "Configuration"),
        Place("destinations", "/destinations", "reach-lake"),
        Place("destination-form", "/destinations/new?connector=destination-s3", "Bucket to write to"),
        Place("connectors", "/connectors", "Amazon S3"),
        Place("events", "/events", "Who changed what"),
        Place("import", "/import", "Paste a pipeline file"),
        Place("nothing", "/connections/no-such-connection", "There is nothing here"),
    ]


def test_every_page_is_without_barriers_in_both_themes_and_fits_a_telephone(tab: WebPage, jobs: dict[str, Job]) -> None:
    """What a machine can judge of WCAG 2.2 AA; at 360 px what is wider, such as a table, scrolls within itself."""
    found = dict[str, list[str]]()
    for place in _places(jobs):
        tab.go(place.path)
        tab.sees(place.text)
        found[place.name] = tab.barriers()
        _picture(tab, f"{place.name}-light")
        tab.use_theme("dark")
        # Themes differ in colours alone.
        found[place.name] += tab.barriers("color-contrast")
        _picture(tab, f"{place.name}-dark")
        tab.page.set_viewport_size({"width": 360, "height": 740})
        if tab.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found[place.name].append("wider than 360 px")
        if place.name in {"connections", "job"}:
            _picture(tab, f"{place.name}-phone")
        tab.page.set_viewport_size({"width": 1280, "height": 860})
        tab.use_theme("light")
    assert {name: barriers for name, barriers in found.items() if barriers} == {}
    assert tab.foreign == []


def _picture(tab: WebPage, name: str) -> None:
    if _SCREENS:
        tab.page.wait_for_timeout(300)
        tab.page.screenshot(path=Path(_SCREENS) / f"{name}.png")


def test_ten_thousand_streams_are_searched_and_selected(tab: WebPage, jobs: dict[str, Job]) -> None:
    """Only what is in view is in the page, so that a large source answers to every key as a small one does."""
    tab.go("/connections/new?source=reach-many&destination=reach-lake")
    tab.sees("of 10,006 streams selected", 90)
    assert tab.page.locator(".picker-row").count() < 60
    tab.button("Select all shown").click()
    tab.sees("10,006 of 10,006 streams selected")
    tab.button("Select none").click()
    tab.page.get_by_label("Search streams").fill("9999")
    rows = tab.page.locator(".picker-row.inside")
    expect(rows).to_have_count(1)
    rows.get_by_role("checkbox").check()
    tab.sees("1 of 10,006 streams selected")


def test_keyboard_alone_goes_everywhere(tab: WebPage, jobs: dict[str, Job]) -> None:
    """Palette, search, letters for places, a dialog that gives the focus back: no step needs a mouse."""
    press = tab.page.keyboard.press
    tab.go("/connections")
    tab.sees("reach-shop")
    press("Tab")
    expect(tab.link("Skip to content")).to_be_focused()
    press("/")
    expect(tab.page.get_by_label("Filter connections")).to_be_focused()
    press("Escape")
    tab.page.get_by_label("Filter connections").blur()
    press("g")
    press("s")
    expect(tab.page).to_have_url(re.compile("/sources$"), timeout=SECONDS)
    press("?")
    expect(tab.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    press("Escape")
    expect(tab.page.get_by_role("dialog")).to_have_count(0)
    press("Control+k")
    tab.page.get_by_role("combobox").press_sequentially("go reach-shop-eu")
    press("Enter")
    expect(tab.page).to_have_url(re.compile("/connections/reach-shop-eu$"), timeout=SECONDS)
    press("Control+k")
    tab.page.get_by_role("combobox").press_sequentially("sync reach-shop-eu")
    press("Enter")
    expect(tab.page).to_have_url(re.compile("/jobs/"), timeout=SECONDS)
