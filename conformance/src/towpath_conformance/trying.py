"""The Checks that many rules are judged by: of the valid configuration, and of each invalid one of the case file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from towpath.connector.v1 import connector_pb2

from towpath_conformance.case import InvalidConfig
from towpath_conformance.configs import complaints_of
from towpath_conformance.failure import Failure, failure_of_status
from towpath_conformance.peer import Answer
from towpath_conformance.schema import Schema, parse_schema
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import skip

__all__ = ["Tried", "probes_of", "schema_to_judge_by", "spoilt_json", "try_invalid", "try_valid", "unmatched"]


@dataclass(frozen=True)
class Tried:
    """An invalid configuration, and what Check answered."""

    invalid: InvalidConfig
    answer: Answer[connector_pb2.CheckResponse]

    @property
    def failures(self) -> Sequence[tuple[str, Failure]]:
        """What failed, in order: probes by their names, the call itself under an empty one."""
        if self.answer.failure is not None:
            return [("", self.answer.failure)]
        results = [result for response in self.answer.responses for result in response.results]
        return [(result.probe, failure_of_status(result.status)) for result in results if result.status.code]

    @property
    def expected_failure(self) -> Failure | None:
        """The failure that the case file speaks of: that of its probe where it names one, else the first; or none."""
        wanted = self.invalid.fails.probe
        return next((failure for probe, failure in self.failures if wanted in (None, probe)), None)


async def try_valid(trial: Trial) -> Answer[connector_pb2.CheckResponse]:
    """Check the valid configuration; done once."""

    async def check() -> Answer[connector_pb2.CheckResponse]:
        return await (await trial.peer()).check(trial.case.config_json, trial.case.patience.call_seconds)

    return await trial.once("check valid", check)


async def try_invalid(trial: Trial) -> Sequence[Tried]:
    """Check each invalid configuration, all at the same time, because timeouts may be among them; done once."""

    async def check(invalid: InvalidConfig) -> Tried:
        config_json = spoilt_json(trial, invalid)
        return Tried(invalid, await (await trial.peer()).check(config_json, trial.case.patience.call_seconds))

    return await trial.once(
        "check invalid", lambda: asyncio.gather(*(check(invalid) for invalid in trial.case.invalid))
    )


def spoilt_json(trial: Trial, invalid: InvalidConfig) -> str:
    """An invalid configuration as it travels."""
    return json.dumps(invalid.config(trial.case.config))


def schema_to_judge_by(trial: Trial) -> Schema:
    """The connector's own schema. Skips the check when the valid configuration does not conform to it."""
    schema = parse_schema(trial.spec.config_json_schema)
    complaints = complaints_of(schema, trial.case.config)
    if not schema or complaints is None or complaints:
        skip("the connector's schema cannot be judged by; see handshake.spec-schema")
    return schema


def unmatched(failure: Failure | None) -> str:
    """Say what is wrong with how a configuration that does not match the schema was refused; empty when nothing is."""
    if failure is None:
        return "Check runs probes; it should fail with INVALID_ARGUMENT, because the schema forbids that"
    if failure.code is not grpc.StatusCode.INVALID_ARGUMENT:
        return f"Check fails with {failure}; it should fail with INVALID_ARGUMENT, because the schema forbids that"
    return ""


def probes_of(answer: Answer[Any]) -> list[str]:
    """Names of the probes of a Check, in order."""
    return [result.probe for response in answer.responses for result in response.results]
