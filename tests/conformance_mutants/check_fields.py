"""Connectors that refuse unfit configurations in the wrong way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, cast

import grpc
from google.rpc import status_pb2
from jsonschema import Draft202012Validator
from towpath.connector.v1 import connector_pb2
from towpath_sdk import Destination, Source
from towpath_sdk._serve.identity import connector_of

from conformance_mutants.good_destination import good_destination
from conformance_mutants.good_source import good_source
from conformance_mutants.messages import Asked, restated
from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Begin, Ending, Relayed


def _without_bad_request(status: status_pb2.Status) -> None:
    kept = [detail for detail in status.details if not detail.type_url.endswith("google.rpc.BadRequest")]
    del status.details[:]
    status.details.extend(kept)


def _unnamed(good: Callable[[], Source[Any] | Destination[Any]], keyword: str) -> Begin:
    """Do not name the fields at fault where the schema is broken in `keyword`."""
    schema: Any = json.loads(connector_of(good()).spec.config_json_schema)
    validator: Any = Draft202012Validator(schema)

    class _Unnamed(Asked):
        async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
            broken = {cast("str", error.validator) for error in validator.iter_errors(_config(self.asked))}
            return (), restated(ending, _without_bad_request) if keyword in broken else ending

    return lambda called: _Unnamed() if called == "Check" else Relayed()


class _Forgiving(Relayed):
    """Passes over fields that it does not know."""

    async def request(self, raw: bytes) -> Iterable[bytes]:
        config = _config(raw)
        if not isinstance(config, dict):
            return (raw,)
        schema = json.loads(connector_of(good_destination()).spec.config_json_schema)
        known = {key: value for key, value in cast("dict[str, Any]", config).items() if key in schema["properties"]}
        return (connector_pb2.CheckRequest(config_json=json.dumps(known)).SerializeToString(),)


class _Surprised(Asked):
    """Takes text that is no JSON for a defect of its own."""

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        refused = ending[0] is grpc.StatusCode.INVALID_ARGUMENT
        broken = refused and _config(self.asked) is _NO_JSON
        return (), (grpc.StatusCode.INTERNAL, "cannot parse", ()) if broken else ending


_NO_JSON = object()


def _config(asked: bytes) -> object:
    try:
        return json.loads(connector_pb2.CheckRequest.FromString(asked).config_json)
    except ValueError:
        return _NO_JSON


mutant("check.required-fields", "destination", "does not name it", begin=_unnamed(good_destination, "required"))
mutant("check.mistyped-fields", "source", "does not name it", begin=_unnamed(good_source, "type"))
mutant(
    "check.unknown-field",
    "destination",
    "passes over it",
    begin=lambda called: _Forgiving() if called == "Check" else Relayed(),
)
mutant(
    "check.invalid-json",
    "source",
    "takes it for its own defect",
    begin=lambda called: _Surprised() if called == "Check" else Relayed(),
)
