"""The life of a connector process: it drains on SIGTERM, ends with its parent, and no blocked call keeps it alive."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import grpc
import psutil
import pytest
from authority import Authority
from sdk_blocking import PROGRAM, blocked_read, blocking_source, eventually, notes_of
from sdk_listings import listings
from slow_link import slow_link
from towpath.connector.v1 import connector_pb2, connector_pb2_grpc, types_pb2
from towpath_local.embedded.ports import LOOPBACK, free_port
from towpath_sdk import Misconfigured, Unavailable
from towpath_sdk._serve.settings import settings_from
from towpath_sdk.client import ConnectorClient
from towpath_sdk.status import from_rpc
from towpath_sdk.testing import ConnectorCalls, connector_process
from towpath_sdk.testing.loop_thread import LoopThread

INCOMPLETE = types_pb2.StreamStatus.STATE_INCOMPLETE


def test_sigterm_drains_to_a_checkpoint_and_ends_with_exit_code_zero(tmp_path: Path) -> None:
    """A rolling restart must cost no more than what follows the last checkpoint, and must not look like a crash."""
    with blocking_source() as source:
        session = blocked_read(source, tmp_path / "notes", "never")
        source.signal(signal.SIGTERM)
        for response in session:
            if response.WhichOneof("message") == "checkpoint":
                session.ack(response.checkpoint.checkpoint_seq)
        session.half_close()
        assert session.receive() is None
        assert source.wait_exit(10) == 0
    (result,) = session.results
    assert result.statuses[-1].state == INCOMPLETE
    assert result.num_rows == sum(checkpoint.rows for checkpoint in result.checkpoints)
    assert result.state == {"n": result.rows[-1]["n"]}
    assert notes_of(tmp_path / "notes") == ["began", "GeneratorExit", "cleaned up"]


def test_drain_by_request_ends_one_read_and_not_the_process(tmp_path: Path) -> None:
    """The broker drains one stream, for instance when its job is cancelled, and others go on."""
    with blocking_source() as source:
        session = blocked_read(source, tmp_path / "notes", "never")
        session.drain()
        for _ in session:
            pass
        session.half_close()
        assert session.receive() is None
        assert source.spec().connector_version == "0.1.0"
    assert session.results[0].statuses[-1].state == INCOMPLETE


@pytest.mark.parametrize("how", ["sleep", "socket"])
def test_sigterm_ends_a_process_that_is_blocked(tmp_path: Path, how: str) -> None:
    """A launcher that has to kill leaves files and slots behind; the drain has a limit instead."""
    with blocking_source({"TOWPATH_DRAIN_SECONDS": "0.5"}) as source:
        blocked_read(source, tmp_path / "notes", how)
        began = time.monotonic()
        source.signal(signal.SIGTERM)
        assert source.wait_exit(10) == 0
        assert time.monotonic() - began < 5
        assert "leaving blocked threads behind" in source.output


def test_connections_outlive_the_last_call_of_a_drained_process(tmp_path: Path) -> None:
    """With it gRPC would close them, and a caller that writes in that moment loses what it has not read yet."""
    with blocking_source() as source:
        session = blocked_read(source, tmp_path / "notes", "never")
        source.signal(signal.SIGTERM)
        for response in session:
            if response.WhichOneof("message") == "checkpoint":
                session.ack(response.checkpoint.checkpoint_seq)
        before_its_end = time.monotonic()
        session.half_close()
        assert session.receive() is None
        assert source.wait_exit(10) == 0
        assert time.monotonic() - before_its_end >= 0.5


def test_process_that_drains_lets_no_new_call_in(tmp_path: Path) -> None:
    """What began now would be cut off; whoever asks is told to come back, and the read that is inside goes on."""
    with blocking_source({"TOWPATH_DRAIN_SECONDS": "60"}) as source:
        session = blocked_read(source, tmp_path / "notes", "sleep")
        source.signal(signal.SIGTERM)
        eventually(lambda: "draining" in source.output)
        with pytest.raises(Unavailable) as refused:
            source.spec()
        assert refused.value.reason == "DRAINING"
        session.cancel()
        assert source.wait_exit(10) == 0


def test_second_signal_ends_at_once(tmp_path: Path) -> None:
    """A person who presses Ctrl-C twice means it."""
    with blocking_source({"TOWPATH_DRAIN_SECONDS": "60"}) as source:
        blocked_read(source, tmp_path / "notes", "sleep")
        source.signal(signal.SIGINT)
        eventually(lambda: "draining" in source.output)
        source.signal(signal.SIGINT)
        assert source.wait_exit(5) == 128 + signal.SIGINT


def test_idle_process_ends_at_once_on_sigterm() -> None:
    """Nothing is left to wait for."""
    with blocking_source({"TOWPATH_DRAIN_SECONDS": "60"}) as source:
        source.signal(signal.SIGTERM)
        assert source.wait_exit(10) == 0


@pytest.mark.parametrize("how", [None, "never"])
def test_process_ends_when_its_standard_input_closes(tmp_path: Path, how: str | None) -> None:
    """A connector that outlives its worker would go on writing beside its successor."""
    with blocking_source() as source:
        if how is not None:
            blocked_read(source, tmp_path / "notes", how)
        source.close_stdin()
        source.wait_exit(5)


def test_process_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """`kill -9` of a worker closes pipes and says nothing; what then is logged has nobody to read it."""
    parent = tmp_path / "parent.py"
    parent.write_text(
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,"
        " stderr=subprocess.STDOUT)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(3600)\n"
    )
    address = f"unix:{tmp_path / 'c.sock'}"
    environment = {**os.environ, "TOWPATH_LISTEN": address, "TOWPATH_EXIT_WITH_PARENT": "1"}
    with subprocess.Popen([sys.executable, parent, PROGRAM], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        with speaking_to(address) as connector:
            blocked_read(connector, tmp_path / "notes", "sleep")
            process.kill()
            child.wait(5)


@contextmanager
def speaking_to(address: str) -> Generator[ConnectorCalls]:
    """Speak to a connector that another process has started."""

    async def connected() -> ConnectorClient:
        client = ConnectorClient(address)
        await client.wait_ready(20)
        return client

    loop = LoopThread()
    try:
        client = loop.run(connected())
        yield ConnectorCalls(loop, client, 20)
        loop.run(client.close())
    finally:
        loop.close()


def test_connector_that_is_far_away_is_reached(tmp_path: Path) -> None:
    """To connect takes some turns, each of which takes its time."""
    listing = tmp_path / "listing.py"
    listing.write_text(listings("README.md")[0])
    address = f"{LOOPBACK}:{free_port()}"
    with (
        connector_process(sys.executable, listing, listen=address),
        slow_link(address, 0.1) as far,
        speaking_to(far) as source,
    ):
        assert source.spec().connector_version == "0.1.0"


def test_process_without_the_setting_outlives_its_standard_input() -> None:
    """In a container standard input is closed from the start."""
    with blocking_source({"TOWPATH_EXIT_WITH_PARENT": "0"}) as source:
        source.close_stdin()
        time.sleep(1)
        assert source.spec().connector_version == "0.1.0"


def test_socket_of_a_killed_process_can_be_used_again(tmp_path: Path) -> None:
    """After kill -9 the socket's file is still there."""
    listing = tmp_path / "listing.py"
    listing.write_text(listings("README.md")[0])
    address = f"unix:{tmp_path / 'c.sock'}"
    for _ in range(2):
        with connector_process(sys.executable, listing, listen=address) as source:
            assert source.spec().connector_version == "0.1.0"
            source.signal(signal.SIGKILL)
            assert source.wait_exit(5) == -signal.SIGKILL
            assert (tmp_path / "c.sock").exists()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "TOWPATH_LISTEN is not set"),
        ({"TOWPATH_LISTEN": "unix:/nowhere/at/all.sock"}, "TOWPATH_LISTEN: cannot listen"),
    ],
)
def test_process_that_cannot_start_says_why_in_one_line(environment: dict[str, str], words: str) -> None:
    """An operator reads one line and knows which variable to mend; a traceback would hide it."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
    command = [sys.executable, PROGRAM]
    environment = {**variables, **environment}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=20)
    assert ended.returncode == 3
    assert ended.stdout == ""
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert words in last
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"TOWPATH_LISTEN": "somewhere"}, "TOWPATH_LISTEN is unix:/path or host:port"),
        ({"TOWPATH_LISTEN": "unix:/" + "x" * 200}, "1 to 107 bytes"),
        ({"TOWPATH_LISTEN": "0.0.0.0:0"}, "without a token"),
        ({"TOWPATH_LISTEN": "127.0.0.1:0", "TOWPATH_TOKEN_FILE": "/nowhere"}, "TOWPATH_TOKEN_FILE: cannot read"),
        ({"TOWPATH_LISTEN": "127.0.0.1:0", "TOWPATH_TOKEN_FILE": "/dev/null"}, "/dev/null is empty"),
        ({"TOWPATH_LISTEN": "127.0.0.1:0", "TOWPATH_DRAIN_SECONDS": "soon"}, "TOWPATH_DRAIN_SECONDS is a positive"),
        ({"TOWPATH_LISTEN": "127.0.0.1:0", "TOWPATH_TLS_CERT_FILE": __file__}, "go together"),
    ],
)
def test_environment_that_is_wrong_is_named(environment: dict[str, str], words: str) -> None:
    """A connector without a token on a public address would serve whoever finds it."""
    with pytest.raises(Misconfigured) as refused:
        settings_from(environment)
    assert words in refused.value.message


def test_port_that_is_taken_is_named() -> None:
    """Two connectors configured for one port: the second one says so and ends."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        environment = {**os.environ, "TOWPATH_LISTEN": listen}
        ended = subprocess.run([sys.executable, PROGRAM], capture_output=True, check=False, env=environment, timeout=20)
    assert ended.returncode == 3
    assert listen in ended.stderr.decode().splitlines()[-1]


def test_tls_encrypts_and_names_the_connector(tmp_path: Path) -> None:
    """Between machines the data travel encrypted, and the broker knows whom it speaks to."""
    authority, other = Authority("ours"), Authority("theirs")
    certificate, key = authority.issue(tmp_path / "connector", "localhost", server=True)
    roots = authority.write_certificate(tmp_path / "roots.pem").read_bytes()
    strangers = other.write_certificate(tmp_path / "strangers.pem").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"localhost:{free.getsockname()[1]}"
    environment = {"TOWPATH_TLS_CERT_FILE": str(certificate), "TOWPATH_TLS_KEY_FILE": str(key)}
    running = connector_process(
        sys.executable, PROGRAM, listen=address, token="t", root_certificates=roots, environment=environment
    )
    with running as source:
        assert source.spec().connector_version == "0.1.0"
        with grpc.secure_channel(address, grpc.ssl_channel_credentials(strangers)) as channel:
            stub = connector_pb2_grpc.ConnectorServiceStub(channel)
            with pytest.raises(grpc.RpcError) as refused:
                stub.Spec(connector_pb2.SpecRequest(), timeout=5)
    assert isinstance(from_rpc(refused.value), Unavailable)


def test_output_is_json_lines(tmp_path: Path) -> None:
    """Log collectors parse lines; a stray print must not break them."""
    with blocking_source() as source:
        session = blocked_read(source, tmp_path / "notes", "wait", seconds=0.1)
        for _ in session:
            pass
        lines = [json.loads(line) for line in source.output.splitlines()]
    assert lines[0]["event"] == "listening"
    assert {"event", "level", "timestamp", "logger"} <= lines[0].keys()
