"""Carries faults out: `kill -9`, an S3 server that fails for a while, PostgreSQL backends that are terminated."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
from faults_plan import Victim
from fix_postgres import Database
from running_pids import Pids, only_forks
from s3_faults import (
    CUT_ANSWER,
    CUT_REQUEST,
    INTERNAL_ERROR,
    LOST_ANSWER,
    LOST_REQUEST,
    SLOW_DOWN,
    Rule,
    S3FaultProxy,
    refused,
    sometimes,
)
from stack import FAST, Part, Stack
from towpath_local.data_folder import DataFolder

__all__ = ["Striker"]

_S3_FAULTS = (
    SLOW_DOWN,
    INTERNAL_ERROR,
    LOST_REQUEST,
    CUT_REQUEST,
    LOST_ANSWER,
    CUT_ANSWER,
    refused(500, "InternalError", done=True),
)
_FORKING_SHARE = 0.25
"""How often not a connector is killed, but the process that has forked it."""


@dataclass
class Striker:
    """Strikes one stack and what it is connected to."""

    stack: Stack
    proxy: S3FaultProxy
    database: Database
    _healing: threading.Timer | None = None
    _counted: int = 0
    _pids: Pids = field(default_factory=Pids)

    @property
    def requests(self) -> int:
        """How many requests S3 was sent so far."""
        return self._counted + len(self.proxy.requests)

    def heal(self) -> None:
        """End what lasts for a while."""
        if self._healing is not None:
            self._healing.cancel()
            self._healing.join()
        self._set_rule(None)

    def strike(self, victim: Victim, chance: random.Random, *, over: Callable[[], bool]) -> str:
        """Strike as soon as the victim is there, unless `over()` comes first.

        Returns in words what was done, or nothing.
        """
        while not over():
            done = self._try(victim, chance)
            if done:
                return done
            time.sleep(0.02)
        return ""

    def _try(self, victim: Victim, chance: random.Random) -> str:
        acts: dict[Victim, Callable[[], str]] = {
            "source": lambda: self._kill_connector("towpath_source_postgres", chance),
            "destination": lambda: self._kill_connector("towpath_destination_s3", chance),
            "worker": lambda: self._kill_part("worker"),
            "server": lambda: self._kill_part("server"),
            "server away": self._keep_server_away,
            "temporal": lambda: self._kill_part("temporal"),
            "s3": lambda: self._fail_s3(chance),
            "postgres": lambda: self._terminate_backends(chance),
            "supervisor": self._kill_supervisor,
            "everything": self._kill_everything,
        }
        return acts[victim]()

    def _kill_connector(self, module: str, chance: random.Random) -> str:
        if not self._a_connector_runs():
            return ""
        there = [process for process in self.stack.connector_processes() if _runs(process, module)]
        if not there:
            return ""
        killed = chance.choice(there)
        with suppress(psutil.NoSuchProcess):
            forking = killed.parent()
            if forking is not None and only_forks(forking.pid) and chance.random() < _FORKING_SHARE:
                forking.kill()
                return f"killed what had forked {module} ({killed.pid})"
        killed.kill()
        return f"killed {module} ({killed.pid})"

    def _a_connector_runs(self) -> bool:
        """Tell whether it is worth while to look at the whole family, which takes much longer than this."""
        started = self._pids.started_with("TOWPATH_LISTEN", f"unix:{DataFolder(self.stack.data_dir).run_dir}/")
        return not all(map(only_forks, started))

    def _kill_part(self, part: Part) -> str:
        """Kill a part if it runs: a process id that was written down may be that of its predecessor."""
        with suppress(FileNotFoundError, KeyError):
            pid = self.stack.pid(part)
            for process in self.stack.family():
                if process.pid == pid and process.status() != psutil.STATUS_ZOMBIE:
                    process.kill()
                    return f"killed {part} ({pid})"
        return ""

    def _keep_server_away(self) -> str:
        """Kill the server, and let nobody start it again before the leases of all attempts have run out."""
        supervisor = psutil.Process(self.stack.endpoint.pid)
        supervisor.suspend()
        try:
            done = self._kill_part("server")
            time.sleep(float(FAST["TOWPATH_SERVER_LEASE"]) + 2)
        finally:
            supervisor.resume()
        return done and f"{done} for longer than the lease"

    def _kill_supervisor(self) -> str:
        """Kill `towpath up` alone, so that what it started has to end by itself, and start it again."""
        self.stack.kill()
        self.stack.start()
        return "killed the supervisor and started it again"

    def _kill_everything(self) -> str:
        """Kill the supervisor and all below it, watchdogs included, and start it again."""
        family = self.stack.family()
        for process in family:
            with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                process.send_signal(signal.SIGSTOP)
        self.stack.kill()
        for process in family:
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                process.kill()
        self.stack.start()
        return f"killed everything, {len(family)} processes, and started it again"

    def _fail_s3(self, chance: random.Random) -> str:
        share, seconds = chance.uniform(0.2, 0.9), chance.uniform(0.2, 2.0)
        self.heal()
        self._set_rule(sometimes(share, seed=chance.getrandbits(32), faults=_S3_FAULTS))
        self._healing = threading.Timer(seconds, self._set_rule, [None])
        self._healing.start()
        return f"S3 fails {share:.0%} of its requests for {seconds:.1f} s"

    def _set_rule(self, rule: Rule | None) -> None:
        self._counted += len(self.proxy.requests)  # setting a rule counts anew
        self.proxy.rule = rule

    def _terminate_backends(self, chance: random.Random) -> str:
        with self.database.connect() as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = 'towpath' ORDER BY pid"
            pids = [row[0] for row in connection.execute(query, (self.database.name,))]
            if not pids:
                return ""
            struck = chance.sample(pids, chance.randint(1, len(pids)))
            connection.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", (struck,))
        return f"terminated {len(struck)} of {len(pids)} backends"


def _runs(process: psutil.Process, module: str) -> bool:
    with suppress(psutil.Error):
        return module in process.cmdline()
    return False
