"""`towpath up` from its first lock to its last process: start, tend, stop."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from towpath_cli.endpoint import Endpoint, endpoint_file
from towpath_sdk.errors import Unavailable

from towpath_local.addresses import Ports, PortWishes, choose_ports
from towpath_local.data_folder import DataFolder, FolderLocks
from towpath_local.embedded import EmbeddedServerError
from towpath_local.embedded.ports import LOOPBACK
from towpath_local.registration import Registration
from towpath_local.services import server_target, services, web_url
from towpath_local.supervisor import Supervisor

__all__ = ["Told", "run"]

_TICK = 0.1
"""Seconds between two looks at the services."""


class _StopRequested(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived; not an Exception, so that nothing on the way swallows it."""


@dataclass(frozen=True)
class Told:
    """What `run` tells the user: `line` for one line at a time, `ready` once when everything serves."""

    line: Callable[[str], None]
    ready: Callable[[Endpoint, float], None]


def run(root: Path, wishes: PortWishes, told: Told) -> None:
    """Run everything in the data folder `root` until SIGINT, SIGTERM or SIGHUP; a second signal ends it by force.

    Raises Conflict when the folder or a port is taken, Misconfigured when the folder cannot be used, Unavailable when a
    part does not start. When it returns or raises, nothing that it started runs any more.
    """
    began = time.monotonic()
    folder = DataFolder(root.expanduser().absolute())
    folder.prepare()
    locks = FolderLocks(folder)
    try:
        ports = choose_ports(wishes, folder.ports_file, told.line)
        supervisor = Supervisor(services(folder, ports, locks.children, told.line), told.line, _process_writer(folder))
        with _signals_stop():
            try:
                _start_and_tend(supervisor, folder, ports, told, began)
            except _StopRequested:
                told.line("stopping; press Ctrl-C again to end everything at once")
            finally:
                endpoint_file(folder.root).unlink(missing_ok=True)
                _stop(supervisor, told)
    finally:
        folder.processes_file.unlink(missing_ok=True)
        with suppress(OSError):  # a worker that was ended by force leaves sockets in it; the next one removes them
            folder.run_dir.rmdir()
        locks.release()


def _start_and_tend(supervisor: Supervisor, folder: DataFolder, ports: Ports, told: Told, began: float) -> None:
    try:
        supervisor.start()
    except EmbeddedServerError as error:
        raise Unavailable(str(error), reason="NOT_STARTED") from error
    registration = Registration(server_target(ports))
    registration.start()
    ready = False
    while True:
        supervisor.tend()
        # Later there is something to go on for; at the start somebody is waiting, and should learn what is wrong.
        if not ready and (reason := supervisor.hopeless()):
            raise Unavailable(reason, reason="NOT_STARTED")
        failures = registration.outcome()
        if failures is not None and not ready:
            ready = True
            for failure in failures:
                told.line(failure)
            endpoint = _endpoint(folder, ports, web="web" in supervisor.process_ids())
            endpoint.write(folder.root)
            told.ready(endpoint, time.monotonic() - began)
        time.sleep(_TICK)


def _stop(supervisor: Supervisor, told: Told) -> None:
    try:
        supervisor.stop()
    except _StopRequested:
        told.line("ending everything at once")
        with _signals_ignored():
            supervisor.kill()


def _endpoint(folder: DataFolder, ports: Ports, *, web: bool) -> Endpoint:
    return Endpoint(
        address=f"{LOOPBACK}:{ports.server}",
        temporal_address=f"{LOOPBACK}:{ports.temporal}",
        temporal_ui=f"http://{LOOPBACK}:{ports.temporal_ui}",
        pid=os.getpid(),
        data_dir=str(folder.root),
        web=web_url(ports) if web else "",
    )


def _process_writer(folder: DataFolder) -> Callable[[dict[str, int]], None]:
    """Return what stores process ids, in one step, so that readers never see half a file."""

    def write(process_ids: dict[str, int]) -> None:
        draft = folder.processes_file.with_suffix(".tmp")
        draft.write_text(json.dumps(process_ids) + "\n", encoding="utf-8")
        draft.replace(folder.processes_file)

    return write


@contextmanager
def _signals_stop() -> Generator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _StopRequested

    with _handlers(stop):
        yield


@contextmanager
def _signals_ignored() -> Generator[None]:
    with _handlers(signal.SIG_IGN):
        yield


@contextmanager
def _handlers(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Generator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    former = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in former.items():
            signal.signal(number, previous)
