"""The Docker daemon dies in the middle of a job and comes back: the job ends well, and nothing is left behind.

The engine is this file's own, because others run their containers on the shared one. It has a bridge and subnets of
its own and makes no rules of the firewall, so that the two do not meet.
"""

from __future__ import annotations

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
from docker_harbour import LASTING, Harbour, harbour_at
from fix_docker import DockerEngine
from fix_requirements import missing
from towpath.control.v1.jobs_pb2 import Job
from towpath_local.embedded.docker import EmbeddedDocker
from towpath_local.embedded.errors import EmbeddedServerError
from worker_rig import until

_BRIDGE, _ADDRESS, _SUBNETS = "towpath-test0", "172.30.213.1/24", "10.214.0.0/16"
_OPTIONS = (f"--bridge={_BRIDGE}", "--iptables=false", "--ip-masq=false")
_LIVE_RESTORE = "--live-restore"
_LONGER = {**LASTING, "latency_seconds": 0.3}


@dataclass
class Restartable:
    """An engine that may be killed, and the Towpath that uses it."""

    engine: EmbeddedDocker
    harbour: Harbour

    def restart(self, *options: str) -> None:
        """Kill the daemon, and start it again on the same containers, with other options if there are any."""
        self.engine.kill()
        self.engine = EmbeddedDocker(self.engine.directory, *_OPTIONS, *options).start()


@pytest.fixture(scope="module")
def restartable(docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restartable]:
    """An engine with the images of the shared one."""
    images = {name: docker_engine.connector(name) for name in ("source-faker", "destination-s3")}
    with ExitStack() as stack:
        _bridge(stack)
        folder = Path(tempfile.mkdtemp(prefix="td-", dir="/tmp"))  # a socket's path has room for little
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        engine = EmbeddedDocker(folder, *_OPTIONS, _LIVE_RESTORE)
        try:
            engine.start()
        except EmbeddedServerError as error:
            missing("a Docker engine of its own", str(error))
        client = cast("Any", docker).DockerClient(base_url=engine.url, timeout=120)
        made = Restartable(engine, cast("Any", None))
        stack.callback(lambda: (made.engine.stop(), made.engine.remove()))
        stack.callback(client.close)
        for image in images.values():
            client.images.load(docker_engine.client.images.get(image).save(named=True))
        environ = {"DOCKER_HOST": engine.url, "TOWPATH_WORKER_DOCKER_SUBNETS": _SUBNETS}
        made.harbour = stack.enter_context(harbour_at(tmp_path_factory.mktemp("docker"), client, environ, images))
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
