"""Launching connectors: a port, and adapters that start them as processes or as containers, on Unix sockets."""

from towpath_worker.launch.choosing import ChoosingLauncher
from towpath_worker.launch.containers import Containers
from towpath_worker.launch.port import Ending, Launch, Launcher, Limits, OnLine, OnSpans, Running
from towpath_worker.launch.process import ProcessLauncher
from towpath_worker.launch.run_dir import RunDir

__all__ = [
    "ChoosingLauncher",
    "Containers",
    "Ending",
    "Launch",
    "Launcher",
    "Limits",
    "OnLine",
    "OnSpans",
    "ProcessLauncher",
    "RunDir",
    "Running",
]
