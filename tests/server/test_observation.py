"""Metrics, health and readiness of a server."""

from __future__ import annotations

import asyncio
import http.client
import ssl
import time
from dataclasses import replace
from pathlib import Path

import pytest
from authority import Authority
from prometheus_client.parser import text_string_to_metric_families
from server_bench import Bench
from server_steps import connect, create_ends, eventually, run_to_end, stream, sync
from towpath_observe import open_window
from towpath_sdk.errors import Misconfigured

LISTEN = "127.0.0.1:0"


def get(address: str, path: str, trust: ssl.SSLContext | None = None) -> tuple[int, str]:
    """Ask a window; returns status and body."""
    host, _, port = address.rpartition(":")
    if trust is None:
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
    else:
        connection = http.client.HTTPSConnection(host, int(port), timeout=20, context=trust)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


async def ask(address: str, path: str, trust: ssl.SSLContext | None = None) -> tuple[int, str]:
    return await asyncio.to_thread(get, address, path, trust)


async def samples(address: str) -> dict[tuple[str, ...], float]:
    """Return what is counted, by name and the values of its labels in the order of their names."""
    _, text = await ask(address, "/metrics")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_calls_and_jobs_are_counted(bench: Bench) -> None:
    """What a dashboard shows must be what happened."""
    api = await bench.start(replace(bench.settings, observe_listen=LISTEN))
    await bench.start_worker(api)
    address = bench.servers[0].observed_at
    before = await samples(address)
    await create_ends(api)
    await connect(api, stream("orders"))
    await run_to_end(api, (await sync(api)).name)
    await sync(api)

    async def active() -> bool:
        return (await samples(address)).get(("towpath_jobs_active", "queued")) == 1

    await eventually(active)
    after = await samples(address)

    def more(*name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert more("towpath_calls_total", "OK", "/towpath.control.v1.ConnectionService/SyncConnection") == 2
    assert more("towpath_rows_committed_total") == 10
    assert more("towpath_bytes_committed_total") == 1000
    assert more("towpath_jobs_ended_total", "succeeded") == 1
    assert more("towpath_call_seconds_count", "/towpath.control.v1.SourceService/CreateSource") == 1


async def test_ready_server_says_so_and_a_stopping_one_does_not(bench: Bench) -> None:
    """A load balancer sends calls where they can be served."""
    await bench.start(replace(bench.settings, observe_listen=LISTEN))
    server = bench.servers[0]
    assert await ask(server.observed_at, "/healthz") == (200, "ok\n")
    assert await ask(server.observed_at, "/readyz") == (200, "ok\n")
    assert (await ask(server.observed_at, "/else"))[0] == 404
    address = server.observed_at
    await bench.stop(server)

    async def gone() -> bool:
        try:
            return (await ask(address, "/readyz"))[0] == 503
        except OSError:
            return True

    await eventually(gone)


async def test_loop_that_is_stuck_is_not_healthy() -> None:
    """A process that hangs looks alive from outside until somebody asks it."""

    async def ready() -> str:
        return "the tank is empty"

    window = open_window(LISTEN, ready)
    try:
        assert await ask(window.address, "/readyz") == (503, "the tank is empty\n")
        answer = asyncio.get_running_loop().run_in_executor(None, get, window.address, "/healthz")
        await asyncio.sleep(0)
        time.sleep(4)  # noqa: ASYNC251  # the loop is to be stuck
        status, text = await answer
        assert (status, "no answer" in text) == (503, True)
    finally:
        window.close()


async def test_window_is_encrypted_where_the_server_is(sqlite_bench: Bench, tmp_path: Path) -> None:
    """TLS by config on every listener."""
    authority = Authority("Towpath tests")
    root = authority.write_certificate(tmp_path / "root.crt")
    certificate, key = authority.issue(tmp_path / "server", "localhost", server=True)
    settings = replace(
        sqlite_bench.settings,
        listen="localhost:0",
        observe_listen="localhost:0",
        tls_cert_file=certificate,
        tls_key_file=key,
    )
    await sqlite_bench.start(settings)
    address = sqlite_bench.servers[0].observed_at
    assert (await ask(address, "/readyz", ssl.create_default_context(cafile=str(root))))[0] == 200
    with pytest.raises(OSError):  # noqa: PT011  # the kind depends on the libraries' versions
        await ask(address, "/readyz")


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:99999", "127.0.0.1:x", ":1"])
async def test_address_that_cannot_be_used_is_told_at_the_start(sqlite_bench: Bench, listen: str) -> None:
    """Not by a scrape that fails in the night."""
    with pytest.raises(Misconfigured, match="choose another host:port"):
        await sqlite_bench.start(replace(sqlite_bench.settings, observe_listen=listen))
