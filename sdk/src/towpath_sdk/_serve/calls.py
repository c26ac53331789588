"""What all services share: threads, limits, redaction, and the way from a request to a thread and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from towpath_sdk._serve.author_thread import AuthorThreads, result_of
from towpath_sdk._serve.call_context import CallContext
from towpath_sdk._serve.duplex import WireContext
from towpath_sdk._serve.failures import abort, as_failure
from towpath_sdk._serve.identity import Connector
from towpath_sdk._serve.limits import Negotiation
from towpath_sdk._wire.configs import ParsedConfig
from towpath_sdk.config import Config
from towpath_sdk.errors import TowpathError
from towpath_sdk.redaction import KnownSecrets

__all__ = ["Calls"]

T = TypeVar("T")

_log = logging.getLogger("towpath_sdk")


@dataclass(frozen=True)
class Calls:
    """The surroundings of every call to one connector."""

    connector: Connector
    threads: AuthorThreads
    batch_bytes: int
    secrets: KnownSecrets = field(default_factory=KnownSecrets)
    negotiation: Negotiation = field(default_factory=Negotiation)

    def parse(self, config_json: str) -> ParsedConfig[Config]:
        """Validate a configuration and remember its secrets. Raises Misconfigured."""
        config = self.connector.parse(config_json)
        self.secrets.remember(config.redactor)
        return config

    async def run(self, wire: WireContext, name: str, work: Callable[[CallContext], T]) -> T:
        """Run `work` in a thread of its own; a failure ends the RPC with its status, a cancellation ends both."""
        context = CallContext(on_hook_failure=hook_failed)
        try:
            call = self.threads.start(name, lambda: work(context), context)
        except TowpathError as busy:
            await abort(wire, busy)
        try:
            return await result_of(call)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 also SystemExit: it ends a call, never the server
            await abort(wire, as_failure(error, name), self.secrets.redact)


def hook_failed(error: BaseException) -> None:
    """Log that an interrupt of the author's raised."""
    _log.warning("interrupt failed", exc_info=error)
