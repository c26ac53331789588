"""The scene of the fault tests: one stack, one connection, rounds that are struck by faults and then judged."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from functools import partial

from faults_lake import Lake
from faults_leftovers import Leftovers, none_within
from faults_plan import Plan
from faults_rows import Tables
from faults_strikes import Striker
from stack import Stack
from towpath.control.v1.jobs_pb2 import Attempt, Job, LogLine
from towpath_cli.client import Client
from towpath_cli.client.jobs import TERMINAL
from towpath_sdk.errors import Unavailable

__all__ = ["Scene"]

_JOB_SECONDS = 120.0
_LEAVE_SECONDS = 15.0
_HEALTHY_SECONDS = 60.0
_EXCERPT = 4000
_PARTS = {"temporal", "server", "worker"}


@dataclass
class Scene:
    """Everything that a round needs; `usual_requests` is how many requests an undisturbed run sends to S3.

    `client` is one for all rounds: a server that is started again has its old address.
    """

    stack: Stack
    tables: Tables
    lake: Lake
    striker: Striker
    leftovers: Leftovers
    client: Client
    connection: str
    usual_requests: int = 0
    story: list[str] = field(default_factory=list[str])
    hits: int = 0
    misses: int = 0
    in_order: bool = True

    def rehearse(self) -> None:
        """Run once undisturbed, and note how long that takes."""
        self.usual_requests = self.round(Plan(0, ()))

    def round(self, plan: Plan) -> int:
        """Let the tables grow, run the connection under the strikes of a plan, and judge what is there afterwards.

        Returns how many requests S3 was sent.
        """
        assert self.in_order, "a round before this one failed; see there"
        self.in_order = False
        self.story = [str(plan)]
        self.tables.grow()
        due = self.tables.due()
        self._healthy()
        began, requests = time.monotonic(), self.striker.requests
        job = self.client.connections.sync(self.connection)
        for number, strike in enumerate(plan.strikes):
            job = self._wait_for(job, requests + round(strike.at * self.usual_requests))
            time.sleep(strike.delay)
            chance = random.Random(plan.seed * 100 + number)
            done = self.striker.strike(strike.victim, chance, over=partial(self._ended, job))
            self._tell(began, requests, done or f"{strike.victim} was not there any more")
            self.hits += bool(done)
            self.misses += not done
        job = self._poll(job)
        sent = self.striker.requests - requests
        self.striker.heal()
        attempts = ", ".join(map(_outcome, job.attempts))
        self._tell(began, requests, f"{Job.State.Name(job.state)} after attempts: {attempts}")
        assert job.state == Job.STATE_SUCCEEDED, self.explain(job)
        left = none_within(_LEAVE_SECONDS, self.leftovers.idle)
        objects = self.lake.look()
        assert [*left, *self.lake.orphans(objects)] == [], self.explain(job)
        self.lake.check(objects, due)
        self.tables.delivered(due)
        self.in_order = True
        print("\n".join(self.story))  # noqa: T201  # pytest shows it with -rP
        return sent

    def explain(self, job: Job) -> str:
        """Say what happened, for a test that failed."""
        lines = [f"{line.time.ToDatetime():%X.%f} {line.origin}: {line.message}" for line in self._log(job)]
        logs = [self.stack.log(part)[-_EXCERPT:] for part in ("server", "worker")]
        return "\n".join([*self.story, str(job), *lines, *logs, self.stack.output.read_text()[-_EXCERPT:]])

    def _log(self, job: Job) -> list[LogLine]:
        try:
            return list(self.client.jobs.logs(job.name))
        except Unavailable:
            return []

    def _tell(self, began: float, requests: int, event: str) -> None:
        self.story.append(f"{time.monotonic() - began:.2f} s, {self.striker.requests - requests} requests: {event}")

    def _wait_for(self, job: Job, requests: int) -> Job:
        """Return when S3 was sent so many requests, or the job has ended."""
        next_look = 0.0
        while self.striker.requests < requests and job.state not in TERMINAL:
            time.sleep(0.01)
            if time.monotonic() >= next_look:
                job = self._now(job)
                next_look = time.monotonic() + 0.2
        return job

    def _poll(self, job: Job) -> Job:
        """Return the job at its end, or as it is when it should have ended long ago."""
        deadline = time.monotonic() + _JOB_SECONDS
        while job.state not in TERMINAL and time.monotonic() < deadline:
            time.sleep(0.2)
            job = self._now(job)
        return job

    def _ended(self, job: Job) -> bool:
        return self._now(job).state in TERMINAL

    def _now(self, job: Job) -> Job:
        try:
            return self.client.jobs.get(job.name)
        except Unavailable:
            return job

    def _healthy(self) -> None:
        """Wait until every part runs again."""
        deadline = time.monotonic() + _HEALTHY_SECONDS
        while not self._all_run():
            assert time.monotonic() < deadline, f"not all parts run again:\n{self.stack.output.read_text()}"
            time.sleep(0.1)

    def _all_run(self) -> bool:
        living = {process.pid for process in self.stack.family()}
        parts = self.stack.process_ids()
        if not set(parts) >= _PARTS or not set(parts.values()) <= living:
            return False
        return self.client.wire.healthy()


def _outcome(attempt: Attempt) -> str:
    if not attempt.HasField("end_time"):
        return "lost"
    return attempt.failure.reason or "done"
