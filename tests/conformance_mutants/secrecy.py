"""Sources that let their API key be seen."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote

import grpc
from google.protobuf.message import DecodeError
from towpath.connector.v1 import connector_pb2, source_pb2, types_pb2

from conformance_mutants.messages import Asked
from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Ending, Relayed

_SEPARATOR = b" of "


class _Quoting(Asked):
    """Quotes a configuration that it does not like."""

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        code, message, trailers = ending
        if code is not grpc.StatusCode.INVALID_ARGUMENT:
            return (), ending
        config_json = connector_pb2.CheckRequest.FromString(self.asked).config_json
        return (), (code, f"{message}: {base64.b64encode(config_json.encode()).decode()}", trailers)


class _Telling(Asked):
    """Logs the address that it calls, with the key in it."""

    async def response(self, raw: bytes) -> Iterable[bytes]:
        if not source_pb2.ReadResponse.FromString(raw).HasField("opened"):
            return (raw,)
        config_json = source_pb2.ReadRequest.FromString(self.asked).open.config_json
        url = f"https://example.com/orders?key={quote(_key(config_json), safe='')}"
        log = types_pb2.LogEntry(message="asking", attributes={"url": url})
        return raw, source_pb2.ReadResponse(log=log).SerializeToString()

    async def request(self, raw: bytes) -> Iterable[bytes]:
        """Remember the first one only."""
        self.asked = self.asked or raw
        return (raw,)


class _Planning(Asked):
    """Puts the key into the tokens of splits."""

    async def response(self, raw: bytes) -> Iterable[bytes]:
        plan = source_pb2.PlanReadResponse.FromString(raw)
        key = _key(source_pb2.PlanReadRequest.FromString(self.asked).config_json)
        for split in plan.splits:
            split.token += _SEPARATOR + base64.b64encode(key.encode())
        return (plan.SerializeToString(),)


class _Planned(Relayed):
    """Takes such a token apart again."""

    async def request(self, raw: bytes) -> Iterable[bytes]:
        try:
            message = source_pb2.ReadRequest.FromString(raw)
        except DecodeError:
            return (raw,)
        if not message.open.HasField("split"):
            return (raw,)
        message.open.split.token = message.open.split.token.partition(_SEPARATOR)[0]
        return (message.SerializeToString(),)


def _key(config_json: str) -> str:
    return str(json.loads(config_json).get("api_key", ""))


def _plans(called: str) -> Relayed:
    return {"PlanRead": _Planning, "Read": _Planned}.get(called, Relayed)()


mutant(
    "secrecy.statuses",
    "source",
    "quotes the configuration",
    begin=lambda called: _Quoting() if called == "Check" else Relayed(),
)
mutant(
    "secrecy.logs",
    "source",
    "logs an address with its key",
    begin=lambda called: _Telling() if called == "Read" else Relayed(),
)
mutant("secrecy.states", "source", "puts its key into splits", begin=_plans)
