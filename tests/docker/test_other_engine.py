"""An engine that is reached over the network, and whose daemon dies in the middle of a job and comes back.

The engine is this file's own, because others run their containers on the shared one. It has a bridge and subnets of
its own and makes no rules of the firewall, so that the two do not meet.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import docker
import pytest
from authority import Authority
from docker_harbour import LASTING, Harbour, harbour_at
from docker_images import copy_images
from fix_docker import DockerEngine
from fix_requirements import missing
from towpath.control.v1.jobs_pb2 import Job
from towpath_local.embedded.docker import EmbeddedDocker
from towpath_local.embedded.errors import EmbeddedServerError
from towpath_local.embedded.ports import free_port
from worker_rig import until

_NUMBER = secrets.randbelow(250)
"""Other sessions may run this file at the same time."""
_BRIDGE, _ADDRESS, _SUBNETS = f"towpath-test{_NUMBER}", f"172.30.{_NUMBER}.1/24", "10.214.0.0/16"
_OPTIONS = (f"--bridge={_BRIDGE}", "--iptables=false", "--ip-masq=false")
_LIVE_RESTORE = "--live-restore"
_LONGER = {**LASTING, "latency_seconds": 0.3}


@dataclass(frozen=True)
class Listening:
    """How an engine is reached by TCP: with TLS, by who has a certificate of its own authority; `keys` holds both's."""

    keys: Path
    port: int

    @classmethod
    def prepare(cls, keys: Path) -> Listening:
        """Make the certificates, and choose the port."""
        authority = Authority("an engine")
        authority.write_certificate(keys / "ca.pem")
        authority.issue(keys / "engine", "localhost", server=True)
        for part, name in zip(
            authority.issue(keys / "client", "worker", server=False), ("cert.pem", "key.pem"), strict=True
        ):
            part.rename(keys / name)
        return cls(keys, free_port())

    @property
    def options(self) -> tuple[str, ...]:
        """What dockerd is told, next to its socket."""
        files = {"tlscacert": "ca.pem", "tlscert": "engine.crt", "tlskey": "engine.key"}
        named = (f"--{option}={self.keys / name}" for option, name in files.items())
        return (f"--host=tcp://127.0.0.1:{self.port}", "--tlsverify", *named)

    @property
    def environ(self) -> dict[str, str]:
        """What the worker is told."""
        return {
            "DOCKER_HOST": f"tcp://localhost:{self.port}",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(self.keys),
        }


@dataclass
class Restartable:
    """An engine that may be killed, and the Towpath that uses it."""

    engine: EmbeddedDocker
    harbour: Harbour
    listening: Listening

    def restart(self, *options: str) -> None:
        """Kill the daemon, and start it again on the same containers, with other options if there are any."""
        self.engine.kill()
        self.engine = EmbeddedDocker(self.engine.directory, *_OPTIONS, *self.listening.options, *options).start()


@pytest.fixture(scope="module")
def restartable(
    docker_engine: DockerEngine, stack_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Restartable]:
    """An engine with the images of the shared one."""
    images = {name: docker_engine.connector(name) for name in ("source-faker", "destination-s3")}
    with ExitStack() as stack:
        _bridge(stack)
        folder = Path(tempfile.mkdtemp(prefix="td-", dir="/tmp"))  # a socket's path has room for little
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        listening = Listening.prepare(tmp_path_factory.mktemp("keys"))
        engine = EmbeddedDocker(folder, *_OPTIONS, *listening.options, _LIVE_RESTORE)
        try:
            engine.start()
        except EmbeddedServerError as error:
            missing("a Docker engine of its own", str(error))
        client = cast("Any", docker).DockerClient(base_url=engine.url, timeout=120)
        made = Restartable(engine, cast("Any", None), listening)
        stack.callback(lambda: (made.engine.stop(), made.engine.remove()))
        stack.callback(client.close)
        images = copy_images(docker_engine.client, images, client, f"towpath-test-{_NUMBER}")
        environ = {
            "DOCKER_HOST": engine.url,
            "TOWPATH_WORKER_DOCKER_SUBNETS": _SUBNETS,
            "TOWPATH_SERVER_LEASE": "20",  # no worker dies here, and engines are slow to start where much is going on
        }
        folder = tmp_path_factory.mktemp("docker")
        made.harbour = stack.enter_context(harbour_at(folder, client, environ, images, stack_folder))
        yield made


def _bridge(stack: ExitStack) -> None:
    """Make the bridge that the engine takes for its default one."""
    program = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        missing("a bridge", "there is no program `ip`; install iproute2")
    subprocess.run([program, "link", "delete", _BRIDGE], check=False, capture_output=True)
    stack.callback(subprocess.run, [program, "link", "delete", _BRIDGE], check=False)
    for words in (
        ("link", "add", _BRIDGE, "type", "bridge"),
        ("address", "add", _ADDRESS, "dev", _BRIDGE),
        ("link", "set", _BRIDGE, "up"),
    ):
        subprocess.run([program, *words], check=True)


def test_a_job_survives_restarts_of_the_daemon(restartable: Restartable) -> None:
    """An update of Docker restarts it; with live-restore it finds its containers again, else it ends them."""
    harbour = restartable.harbour
    connection, bucket = harbour.connect(_LONGER)
    job = harbour.start(connection)
    first = {one.id for one in harbour.containers()}
    restartable.restart(_LIVE_RESTORE)
    assert {one.id for one in harbour.containers()} == first
    with harbour.stack.client() as control:
        done = control.jobs.get(job.name).total.rows_committed
        until(lambda: control.jobs.get(job.name).total.rows_committed > done, "the same containers go on", 60)
        assert [attempt.number for attempt in control.jobs.get(job.name).attempts] == [1]
    restartable.restart()
    assert not first & {one.id for one in harbour.containers() if one.status == "running"}
    job = harbour.stack.wait(job)
    assert job.state == Job.STATE_SUCCEEDED, job
    assert len(job.attempts) > 1
    harbour.assert_exact(bucket)
    harbour.assert_gone()


def test_a_job_runs_on_an_engine_that_is_reached_over_the_network(restartable: Restartable) -> None:
    """It may be on another machine: nothing is mounted, and what is said between the two is encrypted."""
    harbour = restartable.harbour
    harbour.stack.stop()
    harbour.stack.environ = {**harbour.stack.environ, **restartable.listening.environ}
    harbour.stack.start()
    connection, bucket = harbour.connect({**LASTING, "latency_seconds": 0.02})
    job = harbour.start(connection)
    running = harbour.containers()
    assert len(running) == 2
    for container in running:
        assert {mount["Type"] for mount in container.attrs["Mounts"]} == {"volume"}
        (bound,) = container.attrs["NetworkSettings"]["Ports"]["7443/tcp"]
        assert bound["HostIp"] == "127.0.0.1", "no further than the engine itself"
    job = harbour.stack.wait(job)
    assert job.state == Job.STATE_SUCCEEDED, job
    assert len(job.attempts) == 1
    harbour.assert_exact(bucket)
    harbour.assert_gone()
    assert harbour.client.volumes.list() == []
    with harbour.stack.client() as control:
        lines = [line.message for line in control.jobs.logs(job.name)]
    assert any("listening" in line for line in lines), "what containers print comes through TLS as well"
