"""Containers as the worker launches them: fenced in, heard, ended with the worker, and gone afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from docker_images import foreign_image, printing_image
from fix_docker import DockerEngine
from grpc import aio
from towpath.connector.v1 import connector_pb2, connector_pb2_grpc
from towpath_local.embedded.docker import host_address
from towpath_local.images import import_base
from towpath_sdk._traces.received import spans_of
from towpath_sdk.errors import Kind, TowpathError
from towpath_worker.launch import ChoosingLauncher, Launch, Limits
from towpath_worker.launch.channel import channel_to
from towpath_worker.launch.docker.certificate import certificate
from towpath_worker.launch.docker.labels import JOB, MACHINE, RUN_DIR
from towpath_worker.launch.docker.policy import ContainerPolicy, Reach
from towpath_worker.launch.docker.reaper import Reaper

MIB = 1024 * 1024


def launch_of(image: str, lines: list[str] | None = None, **more: Any) -> Launch:
    lines = [] if lines is None else lines
    return Launch("source connectors/shop", (), lines.append, image, "jobs/7", **more)


def container_of(yard: Any) -> Any:
    (container,) = yard.client.containers.list(filters={"label": f"{RUN_DIR}={yard.run_dir.path}"})
    return container


async def test_a_container_has_what_a_connector_needs_and_no_more(yard: Any, faker_image: str) -> None:
    """Its image may be anybody's."""
    lines: list[str] = []
    limits = Limits(memory_bytes=300 * MIB, cpu_millis=500, max_processes=100, temporary_bytes=7 * MIB)
    async with yard.launcher().launch(launch_of(faker_image, lines, limits=limits)):
        container = container_of(yard)
        host, config = container.attrs["HostConfig"], container.attrs["Config"]
        assert (host["Memory"], host["MemorySwap"]) == (300 * MIB, 300 * MIB)
        assert (host["NanoCpus"], host["PidsLimit"]) == (500_000_000, 100)
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["Tmpfs"] == {"/tmp": f"size={7 * MIB},mode=1777"}  # noqa: S108 within the container
        assert config["User"] not in ("", "0", "0:0")
        assert config["Labels"][JOB] == "jobs/7"
        mounts = {mount["Destination"]: mount["RW"] for mount in container.attrs["Mounts"]}
        assert mounts == {"/run/towpath": True, "/run/towpath-token": False}
        names = {pair.partition("=")[0] for pair in config["Env"]}
        assert not {name for name in names if name.startswith(("TOWPATH_WORKER", "AWS_", "DOCKER_"))}
    assert any("listening" in line for line in lines)
    assert yard.mine() == []


@pytest.mark.parametrize("reach", ["address", "port"])
async def test_a_container_that_shares_no_folder_is_reached_over_tls_with_a_token(
    yard: Any, faker_image: str, reach: Reach
) -> None:
    """On an engine elsewhere nothing can be mounted, and whoever is on the way must neither listen nor call."""
    async with yard.launcher(ContainerPolicy(reach=reach)).launch(launch_of(faker_image)) as running:
        mounts = container_of(yard).attrs["Mounts"]
        assert [(mount["Type"], mount["Destination"]) for mount in mounts] == [("volume", "/run/towpath")]
        assert container_of(yard).exec_run(["python3", "-c", "open('/run/towpath/x', 'w')"]).exit_code != 0
        good, wrong = running.certificate, certificate()[0]
        assert await _greeted(running.address, good, running.token) == grpc.StatusCode.OK
        assert await _greeted(running.address, good, "a-guess") == grpc.StatusCode.UNAUTHENTICATED
        assert await _greeted(running.address, wrong, running.token) == grpc.StatusCode.UNAVAILABLE
        assert await _greeted(running.address, None, running.token) == grpc.StatusCode.UNAVAILABLE
    left = {volume.name for volume in yard.client.volumes.list()}
    assert not left & {mount["Name"] for mount in mounts}


async def _greeted(address: str, trusted: bytes | None, token: str) -> grpc.StatusCode:
    """Shake hands by a channel of one's own; return the status."""
    async with channel_to(address, trusted) as channel:
        stub: Any = connector_pb2_grpc.ConnectorServiceStub(channel)
        request = connector_pb2.HandshakeRequest(supported_versions=[connector_pb2.ProtocolVersion(major=1)])
        try:
            await stub.Handshake(request, timeout=20, metadata=(("authorization", f"Bearer {token}"),))
        except aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


async def test_a_connector_reaches_its_system_but_neither_the_platform_nor_another_connector(
    yard: Any, faker_image: str
) -> None:
    """A hostile image must not be able to ask the server for the configurations of others."""
    gateway = host_address(yard.client)
    with socket.create_server((gateway, 0)) as system, socket.create_server(("127.0.0.1", 0)) as platform:
        launcher = yard.launcher()
        async with launcher.launch(launch_of(faker_image)):
            first = container_of(yard)
            own = next(iter(first.attrs["NetworkSettings"]["Networks"].values()))
            async with launcher.launch(launch_of(faker_image)):
                marked = {"label": f"{RUN_DIR}={yard.run_dir.path}"}
                (second,) = [c for c in yard.client.containers.list(filters=marked) if c.id != first.id]
                listener = "import socket, time; s = socket.create_server(('', 4321)); time.sleep(30)"
                first.exec_run(["python3", "-c", listener], detach=True)
                assert _connects(first, own["IPAddress"], 4321), "it does listen"
                assert _connects(second, gateway, system.getsockname()[1])
                assert not _connects(second, own["IPAddress"], 4321)
                for address in (gateway, own["Gateway"], "127.0.0.1", "host.docker.internal"):
                    assert not _connects(second, address, platform.getsockname()[1]), address
                port = system.getsockname()[1]
                with _rejected(port):
                    assert not _connects(second, gateway, port), "the rule of docs/adr/0007 holds"


@contextmanager
def _rejected(port: int) -> Generator[None]:
    """Keep connectors from a port of this machine, with the rule that its operator would make."""
    rule = ["INPUT", "-i", "twp+", "-p", "tcp", "--dport", str(port), "-j", "REJECT"]
    iptables = shutil.which("iptables", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert iptables is not None
    subprocess.run([iptables, "-w", "-I", *rule], check=True)
    try:
        yield
    finally:
        subprocess.run([iptables, "-w", "-D", *rule], check=True)


def _connects(container: Any, address: str, port: int) -> bool:
    program = (
        "import socket, sys, time\n"
        "end = time.monotonic() + 0.6\n"
        "while time.monotonic() < end:\n"
        f"    try: socket.create_connection(({address!r}, {port}), 1); sys.exit(0)\n"
        "    except OSError: time.sleep(0.2)\n"
        "sys.exit(1)\n"
    )
    return container.exec_run(["python3", "-c", program]).exit_code == 0


async def test_a_container_ends_when_its_worker_is_gone(yard: Any, faker_image: str) -> None:
    """Nobody is left to stop it: the engine closes its standard input with the worker's connection."""
    async with yard.launcher().launch(launch_of(faker_image)) as running:
        running._attached.close()  # as the kernel does for a worker that was killed
        async with asyncio.timeout(30):
            ending = await running.ended()
    assert ending.code == 0


@pytest.mark.parametrize(("signal", "said"), [("SIGKILL", "was killed by SIGKILL"), ("SIGTERM", "exit code 0")])
async def test_a_container_that_was_ended_says_how(yard: Any, faker_image: str, signal: str, said: str) -> None:
    """A failure without a cause is a support case."""
    async with yard.launcher().launch(launch_of(faker_image)) as running:
        container_of(yard).kill(signal)
        async with asyncio.timeout(30):
            assert said in str(await running.ended())


async def test_a_flood_is_bounded_and_said(yard: Any, docker_engine: DockerEngine) -> None:
    """A connector in a loop of prints must not fill the job's log, nor wait for whoever reads it."""
    base = import_base(docker_engine.client)
    flood = printing_image(docker_engine.client, base, "for n in range(20000): print('line', n)\nraise SystemExit(3)")
    lines: list[str] = []
    with pytest.raises(TowpathError) as caught:
        async with yard.launcher().launch(launch_of(flood, lines)):
            pass
    assert caught.value.reason == "CONNECTOR_EXITED"
    assert "line 19999" in caught.value.message
    assert 1000 <= len(lines) < 5000
    assert any("printed lines were dropped" in line for line in lines)


async def test_an_image_that_cannot_run_says_whose_problem_that_is(yard: Any, docker_engine: DockerEngine) -> None:
    """The kind decides about another attempt, the message about the next call."""
    client = docker_engine.client
    base = import_base(client)
    silent = printing_image(client, base, "import time; print('thinking', flush=True); time.sleep(60)")
    hungry = printing_image(client, base, "print('eating', flush=True); x = bytearray(200 << 20)")
    small = Limits(memory_bytes=64 * MIB)
    never, usual = ContainerPolicy(pull="never"), ContainerPolicy()
    cases = [
        ("towpath-nowhere:1", never, Limits(), Kind.MISCONFIGURED, "IMAGE_NOT_FOUND", "pulls none"),
        ("localhost:9/nothing:1", usual, Limits(), Kind.UNAVAILABLE, "IMAGE_NOT_PULLED", "cannot be pulled"),
        (foreign_image(client), usual, Limits(), Kind.MISCONFIGURED, "IMAGE_ARCHITECTURE", "is for linux/s390x"),
        (silent, usual, Limits(), Kind.UNAVAILABLE, "CONNECTOR_START_TIMEOUT", "thinking"),
        (hungry, usual, small, Kind.UNAVAILABLE, "CONNECTOR_OUT_OF_MEMORY", "more than its 64 MiB"),
    ]
    for image, policy, limits, kind, reason, said in cases:
        with pytest.raises(TowpathError) as caught:
            async with yard.launcher(policy, start_timeout=4).launch(launch_of(image, limits=limits)):
                pass
        assert (caught.value.kind, caught.value.reason) == (kind, reason), caught.value.message
        assert said in caught.value.message


async def test_only_what_a_dead_worker_left_is_removed(yard: Any, docker_engine: DockerEngine) -> None:
    """A reaper that takes too much ends other people's jobs."""
    client, base = docker_engine.client, import_base(docker_engine.client)
    dead, elsewhere = yard.run_dir.path.parent / "w-dead", "/nowhere/w-dead"
    left = client.containers.create(base, labels={RUN_DIR: str(dead)})
    others = client.containers.create(base, labels={RUN_DIR: elsewhere})
    far = client.containers.create(base, labels={RUN_DIR: str(dead), MACHINE: "another/machine"})
    living = client.containers.create(base, labels={RUN_DIR: str(yard.run_dir.path)})
    network = client.networks.create("towpath-test-left", labels={RUN_DIR: str(dead)})
    try:
        assert await Reaper(yard.engine, Path(yard.run_dir.path.parent)).reap() == 1
        present = {container.id for container in client.containers.list(all=True)}
        assert left.id not in present
        assert {others.id, far.id, living.id} <= present
        assert network.id not in {one.id for one in client.networks.list()}
    finally:
        others.remove()
        far.remove()
        living.remove()


async def test_a_stopped_engine_is_said_as_what_it_is(yard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the operator's problem, and another worker may have one."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(TowpathError) as caught:
        async with yard.launcher().launch(launch_of("towpath-nowhere:1")):
            pass
    assert (caught.value.kind, caught.value.reason) == (Kind.UNAVAILABLE, "DOCKER_UNAVAILABLE")


async def test_a_worker_starts_only_what_its_operator_allows() -> None:
    """Where images of strangers run, commands must not, and the reverse."""
    for image, said in (("towpath-nowhere:1", "starts no images"), ("", "starts no commands")):
        with pytest.raises(TowpathError) as caught:
            async with ChoosingLauncher(None, None).launch(launch_of(image)):
                pass
        assert caught.value.reason == "LAUNCHER_NOT_ALLOWED"
        assert said in caught.value.message


async def test_a_container_hands_its_spans_to_the_worker(yard: Any, faker_image: str) -> None:
    """It has no way to the collector, and does not know the token that opens it."""
    trace, requests = "0123456789abcdef0123456789abcdef", list[bytes]()
    launch = launch_of(faker_image, on_spans=requests.append)
    async with (
        yard.launcher().launch(launch) as running,
        aio.insecure_channel(running.address) as channel,
    ):
        stub: connector_pb2_grpc.ConnectorServiceAsyncStub = connector_pb2_grpc.ConnectorServiceStub(channel)
        metadata = (("authorization", f"Bearer {running.token}"), ("traceparent", f"00-{trace}-{'ab' * 8}-01"))
        await stub.Spec(connector_pb2.SpecRequest(), metadata=metadata, timeout=10)
    spans = [span for request in requests for span in spans_of(request, int(trace, 16))]
    assert [span.name for span in spans] == ["towpath.connector.v1.ConnectorService/Spec"]
    assert [span.parent.span_id for span in spans if span.parent] == [int("ab" * 8, 16)]
