"""A small HTTP server beside a process whose work is done on an asyncio loop.

    GET /metrics   the process's metrics in Prometheus' text format
    GET /healthz   200 while the loop turns: restart the process when this fails
    GET /readyz    200 when the process can do its work, otherwise 503 and why: send it none until then

It answers on threads of its own, so that a loop that is stuck is seen rather than waited for.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from towpath_sdk.errors import Misconfigured

__all__ = ["Readiness", "Window", "open_window"]

Readiness = Callable[[], Awaitable[str]]
"""Says on the loop what keeps the process from its work; empty when nothing does."""

_ANSWER_SECONDS = 3.0
"""A loop that does not come round for so long is stuck."""

_PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Window:
    """A running window; `address` is `host:port`."""

    address: str
    _server: ThreadingHTTPServer

    def close(self) -> None:
        """Stop answering; returns at once."""
        threading.Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def open_window(listen: str, readiness: Readiness, certificate: tuple[Path, Path] | None = None) -> Window:
    """Answer at `listen`, a `host:port`, for the loop that runs now; with a certificate and its key over TLS.

    Raises Misconfigured when the address cannot be used.
    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    loop = asyncio.get_running_loop()

    class Handler(_Handler):
        def health(self) -> str:
            return _ask(loop, _nothing)

        def readiness(self) -> str:
            return _ask(loop, readiness)

    try:
        if not host or not port.isdigit():
            raise ValueError("it is not HOST:PORT")  # noqa: TRY301  # told like the rest
        kind = _Server6 if ":" in host else _Server
        server = kind((host, int(port)), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            # The handshake is made on the thread of each connection: a client that stalls holds up nobody else.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    except (OSError, ValueError, OverflowError) as error:
        raise Misconfigured(
            f"cannot show metrics and health at {listen}: {error}; choose another host:port", reason="INVALID_OBSERVE"
        ) from error
    threading.Thread(target=server.serve_forever, name="observe", daemon=True).start()
    return Window(f"{listen.rpartition(':')[0]}:{server.server_address[1]}", server)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Two processes on one port would be scraped by chance.
    allow_reuse_port = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that left in the middle."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10.0
    server_version = "towpath"
    sys_version = ""

    @abstractmethod
    def health(self) -> str:
        """Return what is wrong with the process; empty when nothing is."""

    @abstractmethod
    def readiness(self) -> str:
        """Return what keeps it from its work; empty when nothing does."""

    def do_GET(self) -> None:  # the base class's name
        """Answer."""
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(200, generate_latest(), CONTENT_TYPE_LATEST)
            case "/healthz":
                self._verdict(self.health())
            case "/readyz":
                self._verdict(self.readiness())
            case _:
                self._answer(404, b"there is /metrics, /healthz and /readyz\n", _PLAIN)

    def _verdict(self, problem: str) -> None:
        self._answer(503 if problem else 200, f"{problem or 'ok'}\n".encode(), _PLAIN)

    def _answer(self, code: int, body: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Log nothing: whoever asks does so all the time."""


async def _nothing() -> str:
    return ""


def _ask(loop: asyncio.AbstractEventLoop, question: Readiness) -> str:
    async def asked() -> str:
        return await question()

    try:
        return asyncio.run_coroutine_threadsafe(asked(), loop).result(_ANSWER_SECONDS)
    except TimeoutError:
        return f"no answer within {_ANSWER_SECONDS:g} s"
    except (CancelledError, RuntimeError):
        return "the process is ending"
