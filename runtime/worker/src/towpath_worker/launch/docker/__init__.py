"""Launching connectors as containers, each fenced in, on a network of its own, and gone afterwards."""

from towpath_worker.launch.docker.engine import Engine
from towpath_worker.launch.docker.launcher import DockerLauncher
from towpath_worker.launch.docker.policy import ContainerPolicy, PullPolicy
from towpath_worker.launch.docker.reaper import Reaper

__all__ = ["ContainerPolicy", "DockerLauncher", "Engine", "PullPolicy", "Reaper"]
