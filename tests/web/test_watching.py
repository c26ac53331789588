"""A job watched live: through a dead server, to its failure, until somebody cancels it; and its log, however long."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from stack import Stack
from towpath.connector.v1.types_pb2 import LogEntry, ReadMode, StreamName, WriteMode
from towpath.control.v1.connections_pb2 import Connection, ConnectionSettings, ConnectionStream
from towpath.control.v1.jobs_pb2 import Job
from web_page import SECONDS, WebPage, open_page

_LINES = 1_000_000


@pytest.fixture(scope="module")
def lake(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder as destination."""
    with stack.client() as client:
        folder: Path = tmp_path_factory.mktemp("lake")
        return client.destinations.create("web-folder", "destination-local", {"path": str(folder)}).name


@pytest.fixture
def tab(browser: Browser, stack: Stack) -> Iterator[WebPage]:
    """One tab."""
    with open_page(browser, stack.endpoint.web) as opened:
        yield opened


def _job(stack: Stack, name: str, lake: str, **config: object) -> Job:
    """Make a connection from a made-up source with one stream, and start its job."""
    with stack.client() as client:
        source = client.sources.create(name, "source-faker", {"seed": 1, **config})  # pyright: ignore[reportArgumentType]
        stream = ConnectionStream(
            name=StreamName(name="orders"),
            read_mode=ReadMode.READ_MODE_SNAPSHOT,
            write_mode=WriteMode.WRITE_MODE_OVERWRITE,
        )
        often = ConnectionSettings(commit_interval={"seconds": 1})
        connection = Connection(source=source.name, destination=lake, streams=[stream], settings=often)
        return client.connections.sync(client.connections.create(name, connection).name)


def _slow(stack: Stack, name: str, lake: str) -> Job:
    """Start a job that takes minutes unless somebody ends it: a second for each thousand of a million rows."""
    return _job(stack, name, lake, rows=1_000_000, batch_rows=1_000, checkpoint_rows=1_000, latency_seconds=1)


def test_page_lives_through_a_server_that_dies_and_a_job_is_cancelled_in_it(
    tab: WebPage, stack: Stack, lake: str
) -> None:
    """It says that it waits, goes on by itself, marks each commit, and then stops the job after one question."""
    job = _slow(stack, "web-slow", lake)
    tab.go(f"/{job.name}")
    state = tab.page.locator(".job-lead")
    expect(state).to_contain_text("Running", timeout=SECONDS)
    tab.page.evaluate("window.neverReloaded = true")
    tab.page.evaluate(
        """() => new MutationObserver(() => {
            if (document.querySelector(".notice.warn")) document.documentElement.dataset.waited = "yes";
        }).observe(document.body, {childList: true, subtree: true})"""
    )
    stack.kill_part("server")
    expect(tab.page.locator("html[data-waited]")).to_have_count(1, timeout=SECONDS)
    rows = tab.page.locator(".flow-end").first
    before = rows.inner_text()
    expect(rows).not_to_have_text(re.compile(f"^{re.escape(before)}$"), timeout=60_000)
    expect(tab.page.locator(".notice.warn")).to_have_count(0, timeout=SECONDS)
    assert tab.page.evaluate("window.neverReloaded") is True
    bar = tab.page.get_by_role("progressbar", name="orders")
    expect(bar).to_have_attribute("aria-label", re.compile(r"rows committed, ([2-9]|\d\d+) commits"), timeout=SECONDS)
    expect(bar.locator(".bar-mark").nth(1)).to_be_visible()
    tab.button("Cancel job").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
    expect(state).to_contain_text("Cancelled", timeout=90_000)


def test_failure_says_whose_problem_it_is_and_offers_the_button_for_it(tab: WebPage, stack: Stack, lake: str) -> None:
    """From the failed job to the mended configuration to a job that succeeds, without a search."""
    failing = {"streams": {"orders": {"kind": "denied", "after_rows": 10}}}
    job = _job(stack, "web-denied", lake, rows=1_000, failures=failing)
    assert stack.wait(job).state == Job.STATE_FAILED
    tab.go(f"/{job.name}")
    tab.sees("Yours to mend")
    tab.button("Next error").click()
    expect(tab.page.locator(".line.marked.l4")).to_be_visible()
    tab.link("Edit the source web-denied").click()
    tab.page.get_by_text("Optional settings").click()
    tab.page.get_by_label(re.compile("^Streams")).fill("")
    tab.button("Save and check").click()
    tab.sees("All checks passed.")
    tab.page.goto(f"{tab.base}/connections/web-denied")
    tab.button("Sync now").first.click()
    expect(tab.page.locator(".job-lead")).to_contain_text("Succeeded", timeout=90_000)


def test_million_lines_stay_smooth_and_a_link_leads_to_one(tab: WebPage, stack: Stack, lake: str) -> None:
    """Only the lines in view are in the page; a filter shows what it finds; a copied link opens at its line."""
    job = stack.wait(_job(stack, "web-long-log", lake, rows=10))
    _flood(stack, job)
    tab.go(f"/{job.name}")
    head = tab.page.locator(".log-head")
    expect(head).to_contain_text(re.compile("1,000,0.. lines"), timeout=120_000)
    assert tab.page.locator(".line").count() < 100
    log = tab.page.get_by_role("log")
    expect(log).to_contain_text(f"needle {_LINES - 1:07}")
    log.press("Home")
    expect(log).to_contain_text("job queued")
    tab.page.get_by_label("Filter the log").fill("needle 0077777")
    expect(head).to_contain_text("1 of ")
    expect(log).to_contain_text("needle 0077777")
    tab.page.locator(".line").hover()
    tab.page.get_by_role("button", name=re.compile("^Copy a link to line")).click()
    link = str(tab.page.evaluate("navigator.clipboard.readText()"))
    assert re.search(r"line=\d+", link)
    tab.page.goto(link.replace("q=needle+0077777&", "").replace("&q=needle+0077777", ""))
    expect(tab.page.locator(".line.marked")).to_contain_text("needle 0077777", timeout=60_000)


def _flood(stack: Stack, job: Job) -> None:
    """Put lines where the server keeps them, behind those of a job that has ended: calls would take a minute."""
    identifier = job.name.removeprefix("jobs/")
    with closing(sqlite3.connect(stack.data_dir / "metadata.db", timeout=30)) as database, database:
        (last,) = database.execute("SELECT max(seq) FROM log_lines WHERE job = ?", (identifier,)).fetchone()
        database.execute(
            """WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :lines)
               INSERT INTO log_lines (job, seq, time, level, origin, message, attributes, attempt)
               SELECT :job, :last + 1 + n, :time, :level, 'worker', printf('needle %07d', n), '{}', 1 FROM numbers""",
            {
                "job": identifier,
                "last": last,
                "lines": _LINES,
                "time": job.end_time.ToMicroseconds(),
                "level": LogEntry.LEVEL_INFO,
            },
        )
