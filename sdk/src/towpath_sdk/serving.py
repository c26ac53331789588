"""`serve`: the last line of every connector."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from google.protobuf import json_format

from towpath_sdk import traces
from towpath_sdk._serve.forking import forked_on_demand
from towpath_sdk._serve.identity import Connector, connector_of
from towpath_sdk._serve.logs import configure_logs
from towpath_sdk._serve.process import run_process
from towpath_sdk._serve.settings import settings_from
from towpath_sdk.destination import Destination
from towpath_sdk.errors import TowpathError
from towpath_sdk.redaction import KnownSecrets
from towpath_sdk.source import Source

__all__ = ["serve"]


def serve(*connector: Source[Any] | Destination[Any], argv: Sequence[str] | None = None) -> None:
    """Serve a source, a destination, or one of each, until SIGTERM.

    The environment says how: TOWPATH_LISTEN (`unix:/path` or `host:port`), TOWPATH_TOKEN_FILE, TOWPATH_TLS_CERT_FILE
    and TOWPATH_TLS_KEY_FILE, TOWPATH_EXIT_WITH_PARENT, TOWPATH_DRAIN_SECONDS (20), TOWPATH_BATCH_BYTES (4 MiB). With
    the argument `spec` it prints the spec as JSON instead. A failure to start is one line and a distinct exit code.

    With OTEL_EXPORTER_OTLP_ENDPOINT set, and `towpath-sdk[otel]` installed, each call is a span of its caller's trace.
    """
    try:
        parts = connector_of(*connector)
        if _arguments(parts, argv).command == "spec":
            sys.stdout.write(_spec_json(parts) + "\n")
            return
        forked_on_demand(os.environ)
        settings = settings_from(os.environ)
        secrets = KnownSecrets()
        configure_logs(secrets, os.environ.get("TOWPATH_LOG_LEVEL", "INFO"))
        _start_traces(parts, secrets)
        run_process(parts, settings, secrets)
    except TowpathError as error:
        (sys.__stderr__ or sys.stderr).write(f"error: {error}\n")
        sys.exit(error.rule.exit_code)


def _start_traces(parts: Connector, secrets: KnownSecrets) -> None:
    """Turn spans on where they are asked for; a connector works without them as well."""
    try:
        traces.start_traces(parts.spec.connector_id, os.environ, secrets)
    except TowpathError as error:
        logging.getLogger("towpath_sdk").warning("no traces", extra={"error": error.message})


def _arguments(parts: Connector, argv: Sequence[str] | None) -> argparse.Namespace:
    spec = parts.spec
    parser = argparse.ArgumentParser(
        description=f"{spec.title} {spec.connector_version}, a Towpath connector ({spec.connector_id})",
        epilog="Listens on TOWPATH_LISTEN, which is unix:/path or host:port; see the docstring of towpath_sdk.serve.",
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=["serve", "spec"],
        default="serve",
        help="serve (default), or print the spec as JSON",
    )
    return parser.parse_args(argv)


def _spec_json(parts: Connector) -> str:
    spec = json_format.MessageToDict(parts.spec, preserving_proto_field_name=True)
    spec["config_json_schema"] = json.loads(parts.spec.config_json_schema)
    return json.dumps(spec, indent=2, ensure_ascii=False)
