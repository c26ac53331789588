"""A job watched live: through a dead server, to its failure, until somebody cancels it; and its log, however long."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from playwright.sync_api import Browser, expect
from stack import Stack
from towpath.connector.v1.types_pb2 import LogEntry, ReadMode, StreamName, WriteMode
from towpath.control.v1.connections_pb2 import Connection, ConnectionStream
from towpath.control.v1.jobs_pb2 import Job, LogLine
from towpath.runtime.v1 import worker_pb2, worker_pb2_grpc
from web_page import SECONDS, WebPage, open_page

_LINES, _CALL = 100_000, 1_000


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
        connection = Connection(source=source.name, destination=lake, streams=[stream])
        return client.connections.sync(client.connections.create(name, connection).name)


def _slow(stack: Stack, name: str, lake: str) -> Job:
    """Start a job that takes minutes unless somebody ends it: a second for each thousand of a million rows."""
    return _job(stack, name, lake, rows=1_000_000, batch_rows=1_000, checkpoint_rows=1_000, latency_seconds=1)


def test_page_lives_through_a_server_that_dies_and_a_job_is_cancelled_in_it(
    tab: WebPage, stack: Stack, lake: str
) -> None:
    """It says that it waits, goes on by itself without a reload, and then stops the job after one question."""
    job = _slow(stack, "web-slow", lake)
    tab.go(f"/{job.name}")
    state = tab.page.locator(".job-lead")
    expect(state).to_contain_text("Running", timeout=SECONDS)
    tab.page.evaluate("window.neverReloaded = true")
    waits: list[bool] = []
    tab.page.expose_function("said", lambda: waits.append(True))
    tab.page.evaluate(
        """() => new MutationObserver(() => document.querySelector(".notice.warn") && window.said())
            .observe(document.body, {childList: true, subtree: true})"""
    )
    stack.kill_part("server")
    rows = tab.page.locator(".flow-end").first
    before = rows.inner_text()
    expect(rows).not_to_have_text(re.compile(f"^{re.escape(before)}$"), timeout=60_000)
    assert waits, "the page did not say that the server was away"
    expect(tab.page.locator(".notice.warn")).to_have_count(0, timeout=SECONDS)
    assert tab.page.evaluate("window.neverReloaded") is True
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


def test_hundred_thousand_lines_stay_smooth_and_a_link_leads_to_one(tab: WebPage, stack: Stack, lake: str) -> None:
    """Only the lines in view are in the page; a filter shows what it finds; a copied link opens at its line."""
    job = _slow(stack, "web-long-log", lake)
    _flood(stack, job.name)
    tab.go(f"/{job.name}")
    log = tab.page.get_by_role("log")
    expect(tab.page.locator(".log-head")).to_contain_text(re.compile("100,0.. lines"), timeout=60_000)
    assert tab.page.locator(".line").count() < 100
    tab.page.get_by_label("Filter the log").fill("needle 77777")
    expect(tab.page.locator(".log-head")).to_contain_text("1 of ")
    expect(log).to_contain_text("needle 77777")
    tab.page.locator(".line").hover()
    tab.page.get_by_role("button", name=re.compile("^Copy a link to line")).click()
    link = str(tab.page.evaluate("navigator.clipboard.readText()"))
    assert re.search(r"line=\d+", link)
    tab.page.goto(link.replace("q=needle+77777&", "").replace("&q=needle+77777", ""))
    expect(tab.page.locator(".line.marked")).to_contain_text("needle 77777", timeout=60_000)
    with stack.client() as client:
        client.jobs.cancel(job.name)
    assert stack.wait(job).state == Job.STATE_CANCELLED


def _flood(stack: Stack, job: str) -> None:
    """Append lines to a job's log as its worker does, which holds it once it runs."""
    with stack.client() as client:
        next(seen for seen in client.jobs.watch(job) if seen.state == Job.STATE_RUNNING and seen.attempts)
    token = (stack.data_dir / "keys" / "worker.token").read_text().strip()
    with grpc.insecure_channel(stack.address) as channel:
        runs = worker_pb2_grpc.JobRunServiceStub(channel)
        for start in range(0, _LINES, _CALL):
            lines = [
                LogLine(level=LogEntry.LEVEL_INFO, origin="worker", message=f"needle {start + i}") for i in range(_CALL)
            ]
            request = worker_pb2.AppendLogsRequest(job=job, lines=lines, batch_id=f"flood-{start}")
            runs.AppendLogs(request, metadata=(("authorization", f"Bearer {token}"),), timeout=60)
