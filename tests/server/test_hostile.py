"""Whatever a client sends, the answer says what is wrong with it; the server itself never fails."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import grpc
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from server_bench import Api
from server_ends import with_ends
from server_methods import code_of, methods
from server_steps import connect, stream, sync
from towpath.runtime.v1 import worker_pb2

TEXTS = ("\x00", "daily\x00", "x" * 100_000, "../../etc/passwd", "'; DROP TABLE jobs; --", "🚣", "\u202e%s%n{}")
NUMBERS = (1, 2**64 - 1)
EXISTING = {
    "connectors": "connectors/pg",
    "sources": "sources/shop",
    "destinations": "destinations/lake",
    "connections": "connections/daily",
}
SERVERS_OWN = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS)


def fill(message: Message, text: str, number: int, keep: dict[str, str]) -> None:
    """Set every field, those of inner messages too; texts named in `keep` get what it says."""
    for field in message.DESCRIPTOR.fields:
        present = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            present[text] = text
        elif field.message_type is not None:
            inner = present.add() if field.is_repeated else present
            inner.SetInParent()
            fill(inner, text, number, {})
        elif field.is_repeated:
            present.append(scalar(field.type, text, number))
        else:
            setattr(message, field.name, keep.get(field.name, scalar(field.type, text, number)))


def scalar(field_type: int, text: str, number: int) -> Any:
    """Return a value of a type."""
    values = {
        FieldDescriptor.TYPE_STRING: text,
        FieldDescriptor.TYPE_BYTES: text.encode(),
        FieldDescriptor.TYPE_BOOL: True,
        FieldDescriptor.TYPE_DOUBLE: float("nan"),
        FieldDescriptor.TYPE_ENUM: 99,
        FieldDescriptor.TYPE_INT32: -1,
        FieldDescriptor.TYPE_INT64: -1,
        FieldDescriptor.TYPE_UINT32: min(number, 2**32 - 1),
        FieldDescriptor.TYPE_UINT64: number,
    }
    return values[field_type]


@with_ends
async def test_no_request_makes_the_server_fail(api: Api) -> None:
    """An INTERNAL error is a page at night; a refused request is a message to whoever sent it."""
    await connect(api, stream("orders"))
    job = (await sync(api)).name
    await api.runs.BeginAttempt(worker_pb2.BeginAttemptRequest(job=job))
    failed: list[str] = []
    called = 0
    for method in methods():
        collection = next((name for name in EXISTING if name[:-1] in method.name.lower()), "connections")
        existing = {"name": EXISTING[collection], "job": job, "connection": "connections/daily"}
        if method.name.startswith(("Delete", "FinishJob", "BeginPublish")):
            existing = {}
        for request in requests(method, existing):
            code = await code_of(api.channel, method, request)
            called += 1
            if code in SERVERS_OWN:
                failed.append(f"{method.name} {str(request)[:80]!r} {code.name}")
    assert failed == []
    assert called > 400


def requests(method: MethodDescriptor, existing: dict[str, str]) -> Iterator[Message]:
    """Yield requests with every text and every number, each once: many methods take no number."""
    seen: set[bytes] = set()
    for text, keep, number in product(TEXTS, ({}, existing), NUMBERS):
        request = GetMessageClass(method.input_type)()
        fill(request, text, number, keep)
        content = request.SerializeToString(deterministic=True)
        if content not in seen:
            seen.add(content)
            yield request
