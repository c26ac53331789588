"""Two servers behind Envoy, one metadata database, three workers: parts die, and nothing is lost."""

from __future__ import annotations

import http.client
import ssl
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from deployment_topology import Topology, topology
from fix_postgres import Database
from towpath.control.v1 import tokens_pb2
from towpath.control.v1.connections_pb2 import ConnectionSettings
from towpath.control.v1.jobs_pb2 import Job
from towpath_cli.client import Client
from towpath_cli.target import Target
from towpath_local.embedded.temporal import EmbeddedTemporal
from towpath_sdk.errors import TowpathError
from worker_flow import numbers, stream

_ROWS = 3000
_WHO_AM_I = "/towpath.control.v1.TokenService/WhoAmI"
_TRAILERS = 0x80


@pytest.fixture
def deployed(tmp_path: Path, temporal: EmbeddedTemporal, postgres_database: Database) -> Iterator[Topology]:
    """The topology, without workers."""
    with topology(tmp_path / "deployed", temporal, postgres_database.url) as made:
        yield made


def test_job_survives_the_loss_of_a_server_and_of_its_worker(deployed: Topology) -> None:
    """What is written in DESIGN of many machines holds through TLS, tokens and a proxy: any part may go."""
    with ExitStack() as stack:
        workers = [stack.enter_context(deployed.worker(None, **deployed.worker_settings)) for _ in range(3)]
        deployed.register_all()
        source = {"rows": _ROWS, "seconds_per_batch": 0.05, "width": 1000}
        often = ConnectionSettings(commit_bytes=1 << 18, commit_interval={"seconds": 1})
        flow = deployed.connect(stream(), source=source, settings=often)
        job = flow.watch_until(flow.start(), lambda job: job.total.commits)
        deployed.servers[0].kill()
        (busy,) = [worker for worker in workers if worker.connectors()]
        busy.kill()
        assert flow.wait(job).state == Job.STATE_SUCCEEDED, flow.explain(flow.wait(job))
        assert flow.rows() == numbers(_ROWS, width=1000)


def test_browser_and_programs_come_by_one_address_with_a_token(deployed: Topology) -> None:
    """The same address serves grpc-web and gRPC over TLS, and it is the servers behind it that ask who is there."""
    body, trailers = _grpc_web(deployed, _WHO_AM_I, deployed.token)
    assert tokens_pb2.WhoAmIResponse.FromString(body).role == tokens_pb2.Token.ROLE_ADMIN
    assert "grpc-status:0" in trailers
    _, trailers = _grpc_web(deployed, _WHO_AM_I, "a-guess")
    assert f"grpc-status:{grpc.StatusCode.UNAUTHENTICATED.value[0]}" in trailers
    stranger = Client(Target(deployed.address, tls=True, ca=deployed.ca_file.read_bytes()))
    with pytest.raises(TowpathError) as refused:
        stranger.connectors.get("numbers")
    stranger.wire.close()
    assert refused.value.reason == "UNAUTHENTICATED"


def _grpc_web(deployed: Topology, method: str, token: str) -> tuple[bytes, str]:
    """Make a unary call with an empty request, as a browser does; return its message and trailers."""
    host, _, port = deployed.address.partition(":")
    trust = ssl.create_default_context(cafile=str(deployed.ca_file))
    connection = http.client.HTTPSConnection(host, int(port), timeout=30, context=trust)
    headers = {"content-type": "application/grpc-web+proto", "authorization": f"Bearer {token}", "x-grpc-web": "1"}
    connection.request("POST", method, struct.pack(">BI", 0, 0), headers)
    answer = connection.getresponse()
    assert answer.status == http.HTTPStatus.OK
    message, trailers = b"", f"grpc-status:{answer.getheader('grpc-status', '')}"
    for kind, frame in _frames(answer.read()):
        if kind & _TRAILERS:
            trailers = frame.decode()
        else:
            message = frame
    connection.close()
    return message, trailers


def _frames(raw: bytes) -> Iterator[tuple[int, bytes]]:
    while raw:
        kind, size = struct.unpack_from(">BI", raw)
        yield kind, raw[5 : 5 + size]
        raw = raw[5 + size :]
