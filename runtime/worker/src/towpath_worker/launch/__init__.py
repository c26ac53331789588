"""Launching connectors: a port, and an adapter that starts them as processes on Unix sockets."""

from towpath_worker.launch.port import Ending, Launch, Launcher, OnLine, Running
from towpath_worker.launch.process import ProcessLauncher
from towpath_worker.launch.run_dir import RunDir

__all__ = ["Ending", "Launch", "Launcher", "OnLine", "ProcessLauncher", "RunDir", "Running"]
