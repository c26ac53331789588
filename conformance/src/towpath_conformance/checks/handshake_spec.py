"""Spec: who the connector is, what it can do, and which configuration it takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import grpc
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from towpath.connector.v1 import connector_pb2, types_pb2

from towpath_conformance.configs import complaints_of
from towpath_conformance.methods import METHODS, Subject
from towpath_conformance.newcomer import newcomer
from towpath_conformance.registry import check
from towpath_conformance.schema import SchemaField, fields_of, parse_schema
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BLOCKED_SECONDS = 5.0

_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)
"""Semantic Versioning 2.0.0."""
_REVERSE_DNS = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+", re.ASCII | re.IGNORECASE)

_CREDENTIAL = re.compile(
    r"(pass(word|wd|phrase)|secret|token|credential|((api|access|account|private|client|signing|encryption|shared)"
    r"[_-]?)+key|secret[_-]?access[_-]?key)s?$",
    re.IGNORECASE,
)
"""The end of a name whose value opens something. `token_url` and `access_key_id` are none."""
_MARKS = ("writeOnly", "x-towpath-secret")


@check(
    "handshake.spec-without-config",
    asserts="Spec is answered at once, by a process that was just started, before any Handshake, without a network.",
    why="A platform asks for it when a connector is added: before there is a configuration, or a system to reach.",
    fix="Build the answer from constants of your program; read no file, ask no system, depend on no earlier call.",
)
async def spec_without_config(trial: Trial) -> None:
    second = await newcomer(trial)
    if second.spec is None:
        fail(f"with proxies that lead nowhere the connector does not even start: {second.why_no_spec}")
    expect(
        second.spec.failure is None,
        f"as the first call to a process that reaches no network, Spec fails: {second.spec.failure}",
    )
    seconds = second.spec.seconds
    expect(seconds < _BLOCKED_SECONDS, f"Spec took {seconds:.1f} s; it should wait for nothing")


@check(
    "handshake.spec-stable",
    asserts="Spec answers the same for each call, and in each process.",
    why="The platform stores the answer with the connector, and shows forms and judges configurations by it.",
    fix="Leave out whatever depends on time, chance or surroundings, and give mappings a fixed order.",
)
async def spec_stable(trial: Trial) -> None:
    again = (await (await trial.peer()).spec()).responses
    second = (await newcomer(trial)).spec
    for where, answers in (("a second call", again), ("another process", second.responses if second else ())):
        for answer in answers:
            changed = [name for name in answer.DESCRIPTOR.fields_by_name if _differs(answer, trial.spec, name)]
            expect(not changed, f"{where} answers Spec with another {', '.join(changed)}")


def _differs(left: connector_pb2.SpecResponse, right: connector_pb2.SpecResponse, name: str) -> bool:
    return bool(getattr(left, name) != getattr(right, name))


@check(
    "handshake.spec-schema",
    asserts="config_json_schema is a JSON Schema of draft 2020-12 that refers to nothing outside of itself, and the "
    "valid configuration of the case file conforms to it.",
    why="Forms, command line and validation of the platform are made from it, in the user's browser too.",
    fix='Write `"$schema": "https://json-schema.org/draft/2020-12/schema"`, keep shared parts in `$defs`, and try your '
    "schema with a validator and a configuration that works.",
)
async def spec_schema(trial: Trial) -> None:
    text = trial.spec.config_json_schema
    try:
        schema: Any = json.loads(text)
    except ValueError as error:
        fail(f"config_json_schema is no JSON: {error}")
    expect(isinstance(schema, dict), f"config_json_schema is no JSON object, but {text[:100]}")
    dialect = schema.get("$schema", _DIALECT)
    expect(dialect.rstrip("#") == _DIALECT, f'"$schema" is {dialect}; it should be {_DIALECT}')
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        fail(f"config_json_schema is no valid JSON Schema: at {error.json_path}, {error.message}")
    for reference in _references(schema):
        expect(reference.startswith("#"), f"config_json_schema refers to {reference}, which is outside of it")
    complaints = complaints_of(schema, trial.case.config)
    if complaints is None:
        fail("config_json_schema refers to a part that it does not have")
    expect(not complaints, f"the valid configuration does not conform to config_json_schema: {'; '.join(complaints)}")


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in cast("list[Any]", node):
            yield from _references(item)
    elif isinstance(node, dict):
        for key, value in cast("dict[str, Any]", node).items():
            if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            else:
                yield from _references(value)


@check(
    "handshake.spec-semver",
    asserts="connector_version is a semantic version, and connector_id a reverse-DNS identifier.",
    why="Users pin versions and read from them what an upgrade may break; ids of different authors must not collide.",
    fix='Use three numbers such as "1.4.0", and an id such as "com.example.source-foo".',
)
async def spec_semver(trial: Trial) -> None:
    version, connector_id = trial.spec.connector_version, trial.spec.connector_id
    expect(_SEMVER.fullmatch(version), f"connector_version is {version!r}; a semantic version is such as 1.4.0")
    expect(
        _REVERSE_DNS.fullmatch(connector_id),
        f"connector_id is {connector_id!r}; a reverse-DNS identifier is such as com.example.source-foo",
    )


@check(
    "handshake.spec-roles",
    asserts="Every method of a declared role is served, and those of the other role are UNIMPLEMENTED. Capabilities "
    "are set for each declared role; a destination declares at least one write mode.",
    why="The platform asks a connector for what its spec declares, and for nothing else.",
    fix="Declare each role that you serve, with its capabilities, and register the service of no other.",
)
async def spec_roles(trial: Trial) -> None:
    spec, peer = trial.spec, await trial.peer()
    known = {connector_pb2.ROLE_SOURCE, connector_pb2.ROLE_DESTINATION}
    roles = list(spec.roles)
    expect(roles, "Spec declares no role; at least one is due")
    expect(set(roles) <= known and len(set(roles)) == len(roles), f"Spec declares the roles {roles}; known are 1 and 2")
    for name, role in (("source", connector_pb2.ROLE_SOURCE), ("destination", connector_pb2.ROLE_DESTINATION)):
        if role in roles:
            expect(spec.HasField(name), f"Spec declares the role of a {name} and does not set `{name}`")
    if connector_pb2.ROLE_DESTINATION in roles:
        modes = set(spec.destination.write_modes)
        expect(modes, "destination.write_modes is empty; at least one mode is due")
        expect(types_pb2.WRITE_MODE_UNSPECIFIED not in modes, "destination.write_modes has a mode that is not set")
    for method in METHODS:
        if method.role is None:
            continue
        failure = (await method.call(peer, Subject(seconds=trial.case.patience.call_seconds))).failure
        unimplemented = failure is not None and failure.code is grpc.StatusCode.UNIMPLEMENTED
        if method.role.declared(spec):
            expect(not unimplemented, f"Spec declares {method.role.name}, and {method.name} is UNIMPLEMENTED")
        else:
            expect(
                unimplemented,
                f"Spec does not declare {method.role.name}, and {method.name} ends with {failure or 'OK'}; "
                "it should be UNIMPLEMENTED",
            )


@check(
    "handshake.spec-secrets",
    asserts='Fields for passwords, tokens, keys and the like carry "writeOnly": true and "x-towpath-secret": true, '
    "wherever they are nested.",
    why="By these marks the platform encrypts a value, masks it in answers and keeps it out of logs.",
    fix="Add both marks to every field whose value opens something, in shared definitions and alternatives too.",
)
async def spec_secrets(trial: Trial) -> None:
    for field in fields_of(parse_schema(trial.spec.config_json_schema)):
        schemas = [*field.schemas, *(s["items"] for s in field.schemas if isinstance(s.get("items"), dict))]
        marks = [mark for mark in _MARKS if any(schema.get(mark) is True for schema in schemas)]
        if "x-towpath-secret" in marks or _holds_credential(field):
            missing = [mark for mark in _MARKS if mark not in marks]
            expect(not missing, f"the field {field.path} lacks {' and '.join(missing)}: its value must never be shown")


def _holds_credential(field: SchemaField) -> bool:
    """Say whether a field is named as credentials are, and takes a text that nobody but its owner knows."""
    kinds = {"string", "array"}
    return bool(_CREDENTIAL.search(field.name)) and bool(kinds.intersection(field.types or kinds)) and not field.choices
