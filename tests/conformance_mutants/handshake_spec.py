"""Connectors whose Spec breaks a rule."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import grpc
from towpath.connector.v1.connector_pb2 import SpecRequest, SpecResponse

from conformance_mutants.messages import answers
from conformance_mutants.mutant import Role, mutant
from conformance_mutants.proxy import Begin, Ending, Relayed

Each: TypeAlias = Callable[[SpecRequest, SpecResponse], SpecResponse]


class _AfterHandshake(Relayed):
    """Refuses Spec before a Handshake; `shaken` is shared by the calls to one instance."""

    def __init__(self, called: str, shaken: list[bool]) -> None:
        self._called, self._shaken = called, shaken

    async def response(self, raw: bytes) -> Iterable[bytes]:
        return () if self._called == "Spec" and not self._shaken else (raw,)

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        if self._called == "Handshake":
            self._shaken.append(True)
        refused = self._called == "Spec" and not self._shaken
        return (), (grpc.StatusCode.FAILED_PRECONDITION, "no handshake yet", ()) if refused else ending


def _wants_a_handshake_first() -> Begin:
    shaken: list[bool] = []
    return lambda called: _AfterHandshake(called, shaken)


def _counted() -> Each:
    numbers = itertools.count(1)

    def each(_: SpecRequest, said: SpecResponse) -> SpecResponse:
        said.title = f"{said.title}, asked {next(numbers)} times"
        return said

    return each


def _with_schema(change: Callable[[dict[str, Any]], Any]) -> Each:
    def each(_: SpecRequest, said: SpecResponse) -> SpecResponse:
        schema = json.loads(said.config_json_schema)
        change(schema)
        said.config_json_schema = json.dumps(schema)
        return said

    return each


def _misspelt(schema: dict[str, Any]) -> None:
    schema["title"] = 7


def _key_without_marks(schema: dict[str, Any]) -> None:
    login = {"type": "object", "properties": {"apiKey": {"type": "string"}}}
    schema["$defs"] = {**schema.get("$defs", {}), "Login": login}
    schema["properties"]["login"] = {"$ref": "#/$defs/Login"}


def _short_version(_: SpecRequest, said: SpecResponse) -> SpecResponse:
    said.connector_version = "1.0"
    return said


class _Broken(Relayed):
    """Fails as if the method were there, and broken."""

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        unimplemented = ending[0] is grpc.StatusCode.UNIMPLEMENTED
        return (), (grpc.StatusCode.INTERNAL, "cannot abort", ()) if unimplemented else ending


mutant("handshake.spec-without-config", "source", "wants a Handshake first", begins=_wants_a_handshake_first)
specs: tuple[tuple[str, Role, str, Each], ...] = (
    ("handshake.spec-stable", "destination", "counts in its title", _counted()),
    ("handshake.spec-schema", "source", "has a number as the title of its schema", _with_schema(_misspelt)),
    ("handshake.spec-semver", "destination", "has a version of two numbers", _short_version),
    ("handshake.spec-secrets", "source", "does not mark a nested key", _with_schema(_key_without_marks)),
)
for check_id, role, name, each in specs:
    mutant(check_id, role, name, begin=answers("Spec", SpecRequest, SpecResponse, each))
mutant(
    "handshake.spec-roles",
    "source",
    "serves a method of a destination",
    begin=lambda called: _Broken() if called == "AbortWrite" else Relayed(),
)
