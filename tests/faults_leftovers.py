"""What a run may have left behind in the system: processes, run folders, sessions, replication slots."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from fix_postgres import Database
from running_pids import only_forks
from stack import Stack
from towpath_local.data_folder import DataFolder

__all__ = ["Leftovers", "none_within"]


@dataclass(frozen=True)
class Leftovers:
    """Looks for what nobody needs while a stack is idle, or when it has stopped."""

    stack: Stack
    database: Database

    def idle(self) -> list[str]:
        """Return what is left of jobs while no job runs."""
        return [
            *(
                f"process {process.pid} {_words(process)}"
                for process in self.connectors()
                if not only_forks(process.pid)
            ),
            *self._strange_folders(),
            *self._database_traces(),
        ]

    def stopped(self) -> list[str]:
        """Return what is left when `towpath up` has stopped."""
        folder = str(self.stack.data_dir)
        processes = [process for process in _running() if folder in " ".join(_words(process))]
        return [
            *(f"process {process.pid} {_words(process)}" for process in processes),
            *(f"process {process.pid} {_words(process)}" for process in self.connectors()),
            *(str(path) for path in self._run_dir.glob("*")),
            *self._database_traces(),
        ]

    def connectors(self) -> list[psutil.Process]:
        """Return the connectors of this stack that run, and what forks them, whoever is their parent now."""
        mine = f"unix:{self._run_dir}/"
        return [process for process in _running() if _listens_at(process).startswith(mine)]

    @property
    def _run_dir(self) -> Path:
        return DataFolder(self.stack.data_dir).run_dir

    def _strange_folders(self) -> list[str]:
        """Return run folders beside that of the one worker, and folders of connectors in it."""
        workers = list(self._run_dir.glob("w-*"))
        of_connectors = [path for worker in workers for path in worker.glob("c*")]
        return [str(path) for path in (workers if len(workers) > 1 else []) + of_connectors]

    def _database_traces(self) -> list[str]:
        with self.database.connect() as connection:
            slots = connection.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
            sessions = connection.execute(
                "SELECT pid, state, query FROM pg_stat_activity WHERE datname = %s AND application_name = 'towpath'",
                (self.database.name,),
            ).fetchall()
        return [*(f"replication slot {slot}" for slot in slots), *(f"session {session}" for session in sessions)]


def none_within(seconds: float, look: Callable[[], list[str]]) -> list[str]:
    """Look until nothing is found, and return what is still there after so many seconds."""
    deadline = time.monotonic() + seconds
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _running() -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _status(process) not in {"", psutil.STATUS_ZOMBIE}]


def _status(process: psutil.Process) -> str:
    try:
        return process.status()
    except psutil.Error:
        return ""


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _listens_at(process: psutil.Process) -> str:
    try:
        return process.environ().get("TOWPATH_LISTEN", "")
    except psutil.Error:
        return ""
