"""Asks a connector who it is and, with a configuration that works, what streams it has."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import yaml
from towpath.connector.v1 import connector_pb2
from towpath_sdk.errors import Misconfigured

from towpath_conformance.case import Case, expanded, taken_from
from towpath_conformance.concealment import secrets_of
from towpath_conformance.failure import failure_of_status
from towpath_conformance.first_case import Known
from towpath_conformance.peer import Peer
from towpath_conformance.schema import fields_of, parse_schema
from towpath_conformance.shown import printable
from towpath_conformance.targets import Target
from towpath_conformance.targets.port import StartFailed

__all__ = ["interview", "load_config"]

_READY_SECONDS = 60.0
"""A connector that ends is noticed at once; one that is slow to start is no failure here."""


def load_config(path: Path) -> dict[str, Any]:
    """Read a configuration, as YAML or JSON. Raises Misconfigured."""
    try:
        read: Any = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(f"cannot read {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise Misconfigured(f"{path} is neither YAML nor JSON: {error}") from error
    if not isinstance(read, dict):
        raise Misconfigured(f"{path} holds no configuration: a mapping is expected")
    return cast("dict[str, Any]", read)


async def interview(target: Target, config: Mapping[str, Any] | None) -> Known:
    """Ask for the Spec, and discover streams where that is possible. Raises StartFailed, or Misconfigured."""
    # Before anything is started: a variable that is not set is the user's to mend.
    resolved = expanded(config, os.environ) if config is not None else None
    case = Case(config=resolved or {}, from_environment=taken_from(config, os.environ))
    try:
        known = await _asked(target, config, resolved)
    except StartFailed as failure:
        raise StartFailed(printable(secrets_of(case).redact(str(failure)))) from None
    redactor = secrets_of(case, known.spec.config_json_schema)
    return replace(known, problem=printable(redactor.redact(known.problem)))


async def _asked(target: Target, config: Mapping[str, Any] | None, resolved: Mapping[str, Any] | None) -> Known:
    async with target.start(_READY_SECONDS) as instance:
        answer = await instance.peer.spec()
        if answer.failure is not None or not answer.responses:
            raise StartFailed(f"the connector is serving, but Spec failed: {answer.failure}")
        spec = answer.responses[0]
        if connector_pb2.ROLE_SOURCE not in spec.roles:
            return Known(spec, config)
        if resolved is None and any(
            field.required and "." not in field.path for field in fields_of(parse_schema(spec.config_json_schema))
        ):
            return Known(spec, problem="it takes a configuration to discover them; give one with --config")
        return await _discovered(instance.peer, spec, config, json.dumps(resolved or {}))


async def _discovered(
    peer: Peer, spec: connector_pb2.SpecResponse, config: Mapping[str, Any] | None, config_json: str
) -> Known:
    checked = await peer.check(config_json)
    if checked.failure is not None:
        return Known(spec, config, problem=f"the connector refuses the configuration: {checked.failure}")
    for result in (result for response in checked.responses for result in response.results):
        if result.status.code:
            problem = f"its probe {result.probe} fails: {failure_of_status(result.status)}"
            return Known(spec, config, problem=problem)
    found = await peer.discover(config_json)
    streams = [descriptor for page in found.responses for descriptor in page.streams]
    problem = f"Discover failed: {found.failure}" if found.failure else "" if streams else "the connector found none"
    return Known(spec, config, streams, problem)
