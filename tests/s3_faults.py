"""A proxy in front of an S3 server that hurts requests as it is told, and passes on all others byte for byte.

    with S3FaultProxy(s3.endpoint) as proxy:
        proxy.rule = sometimes(0.2, seed=7)
        ... use proxy.endpoint in the place of s3.endpoint ...
        proxy.rule = None

A rule is asked once for every request and says what becomes of it; see `Fault`. Signatures stay valid, because the
Host header is passed on. Each connection carries one request. Works for plain HTTP only.

Concurrency: one thread with an asyncio loop; a rule is called in it, one call at a time.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = [
    "CUT_ANSWER",
    "CUT_REQUEST",
    "EVERY_FAULT",
    "INTERNAL_ERROR",
    "LOST_ANSWER",
    "LOST_REQUEST",
    "SLOW_DOWN",
    "Fault",
    "Request",
    "Rule",
    "S3FaultProxy",
    "always",
    "delayed",
    "from_request",
    "only",
    "refused",
    "sometimes",
]

_OPERATIONS = {
    ("POST", "uploads"): "CreateMultipartUpload",
    ("PUT", "partNumber"): "UploadPart",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "list-type"): "ListObjectsV2",
    ("POST", "delete"): "DeleteObjects",
}
_ON_OBJECTS = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
_CHUNK_END = b"\r\n"


@dataclass(frozen=True)
class Request:
    """One request: its number since the rule was set, from 1; S3's name of the operation; bucket and key."""

    number: int
    operation: str
    bucket: str
    key: str


@dataclass(frozen=True)
class Fault:
    """What becomes of a request, in this order.

    It waits `delay` seconds. The first `forwarded` part of its bytes reaches the server: 0 for none, 1 for all. With
    an `error` (HTTP status, S3 code) the client gets that answer; otherwise the first `answered` part of the true one.
    Then the connection is closed.
    """

    delay: float = 0.0
    forwarded: float = 1.0
    error: tuple[int, str] | None = None
    answered: float = 1.0


SLOW_DOWN = Fault(forwarded=0, error=(503, "SlowDown"))
INTERNAL_ERROR = Fault(forwarded=0, error=(500, "InternalError"))
LOST_REQUEST = Fault(forwarded=0, answered=0)
CUT_REQUEST = Fault(forwarded=0.5, answered=0)
LOST_ANSWER = Fault(answered=0)
CUT_ANSWER = Fault(answered=0.5)


def delayed(seconds: float) -> Fault:
    """Nothing but a wait."""
    return Fault(delay=seconds)


def refused(status: int, code: str, *, done: bool = False) -> Fault:
    """An error as answer; with `done`, the server does what it was asked nevertheless."""
    return Fault(forwarded=1 if done else 0, error=(status, code))


EVERY_FAULT = (SLOW_DOWN, INTERNAL_ERROR, LOST_REQUEST, CUT_REQUEST, LOST_ANSWER, CUT_ANSWER, delayed(0.05))

Rule = Callable[[Request], Fault | None]
"""Says what becomes of a request; None lets it pass."""


def always(fault: Fault) -> Rule:
    """Every request has this fault."""
    return lambda _: fault


def sometimes(share: float, *, seed: int, faults: Sequence[Fault] = EVERY_FAULT) -> Rule:
    """This share of the requests, drawn by a seeded generator, has one of the faults."""
    drawn = random.Random(seed)
    return lambda _: drawn.choice(faults) if drawn.random() < share else None


def from_request(number: int, first: Fault, later: Fault) -> Rule:
    """Request `number` has one fault and all that follow have another: with `refused`, as if the client had died."""
    return lambda request: None if request.number < number else first if request.number == number else later


def only(operations: Sequence[str], rule: Rule) -> Rule:
    """The rule counts for these operations, such as "UploadPart"."""
    return lambda request: rule(request) if request.operation in operations else None


@dataclass
class S3FaultProxy:
    """The proxy; a context manager.

    `requests` are those since the rule was set, hurt or not, in the order of their arrival; `struck` the hurt ones.
    """

    server: str
    requests: list[Request] = field(default_factory=list[Request])
    struck: list[Request] = field(default_factory=list[Request])
    _rule: Rule | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _port: int = 0

    @property
    def endpoint(self) -> str:
        """URL for clients."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def rule(self) -> Rule | None:
        """What happens to requests; setting it counts them anew."""
        return self._rule

    @rule.setter
    def rule(self, rule: Rule | None) -> None:
        async def change() -> None:
            self._rule = rule
            self.requests, self.struck = [], []

        # In the loop's thread, so that no request falls in between.

        asyncio.run_coroutine_threadsafe(change(), self._loop).result(10)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread = threading.Thread(target=self._loop.run_forever, name="s3 faults", daemon=True)
        self._thread.start()
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        self._listener = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        self._port = self._listener.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and end what is in flight."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        self._listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head, body = await _receive(reader, writer)
            request = _described(head, len(self.requests) + 1)
            self.requests.append(request)
            fault = self._rule(request) if self._rule else None
            if fault is None:
                fault = Fault()
            else:
                self.struck.append(request)
            await asyncio.sleep(fault.delay)
            sent = (head + body)[: round(fault.forwarded * len(head + body))]
            answer = await self._forward(sent, whole=fault.forwarded == 1) if sent else b""
            if fault.error is not None:
                answer = _error_answer(*fault.error, request.operation)
            writer.write(answer[: round(fault.answered * len(answer))])
            await writer.drain()
        writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

    async def _forward(self, message: bytes, *, whole: bool) -> bytes:
        address = urlsplit(self.server)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            writer.write(message)
            await writer.drain()
            return await reader.read() if whole else b""
        finally:
            writer.close()


async def _receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, bytes]:
    """Return a request's head, made to end its connection, and its body as it came."""
    lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    if headers.get(b"expect", b"").lower() == b"100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    kept = [line for line in lines if line.split(b":", 1)[0].lower() not in (b"connection", b"expect")]
    head = b"\r\n".join([*kept, b"Connection: close", b"", b""])
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return head, await _receive_chunks(reader)
    return head, await reader.readexactly(int(headers.get(b"content-length", b"0")))


async def _receive_chunks(reader: asyncio.StreamReader) -> bytes:
    received = bytearray()
    while True:
        size_line = await reader.readuntil(_CHUNK_END)
        size = int(size_line.split(b";")[0], 16)
        received += size_line + await reader.readexactly(size + len(_CHUNK_END))
        if not size:
            return bytes(received)


def _described(head: bytes, number: int) -> Request:
    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    address = urlsplit(target)
    bucket, _, key = unquote(address.path).lstrip("/").partition("/")
    asked = parse_qs(address.query, keep_blank_values=True)
    named = [name for (verb, word), name in _OPERATIONS.items() if verb == method and word in asked]
    return Request(number, named[0] if named else _ON_OBJECTS.get(method, method), bucket, key)


def _error_answer(status: int, code: str, operation: str) -> bytes:
    body = f"<Error><Code>{code}</Code><Message>injected</Message></Error>".encode()
    if operation == "HeadObject":
        body = b""
    head = f"HTTP/1.1 {status} Injected\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body
