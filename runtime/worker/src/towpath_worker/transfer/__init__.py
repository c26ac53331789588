"""The transfer, also called the broker: passes batches from a source to a destination, and settles commits.

It knows neither Temporal nor how connectors are started. Everything runs on one asyncio loop; every queue is bounded.
"""

from towpath_worker.transfer.attempt import run_attempt
from towpath_worker.transfer.budget import Budget
from towpath_worker.transfer.job import Job
from towpath_worker.transfer.ports import DestinationLink, Journal, Platform, ReadCall, SourceLink, WriteCall

__all__ = [
    "Budget",
    "DestinationLink",
    "Job",
    "Journal",
    "Platform",
    "ReadCall",
    "SourceLink",
    "WriteCall",
    "run_attempt",
]
