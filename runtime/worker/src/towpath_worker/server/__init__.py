"""The worker's side of towpath.runtime.v1: a channel to the server, and one job's session on it."""

from towpath_worker.server.channel import ServerChannel
from towpath_worker.server.job_log import JobLog
from towpath_worker.server.session import JobSession, Lease

__all__ = ["JobLog", "JobSession", "Lease", "ServerChannel"]
