"""`towpath-server`: serves until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import NoReturn

from towpath_sdk import lean

# isort: split
import structlog
from towpath_sdk import traces
from towpath_sdk.errors import TowpathError

from towpath_server.logs import set_up_logs
from towpath_server.serve import start_server
from towpath_server.settings import Settings, read_settings

__all__ = ["main"]

_SPANS_SECONDS = 3.0


def main() -> NoReturn:
    """Run the program; a misconfiguration is one line on standard error and the exit code of its kind."""
    try:
        settings = read_settings(sys.argv[1:], os.environ)
        set_up_logs(settings.log_level, settings.log_format)
        if collector := traces.start_traces("towpath-server", os.environ):
            structlog.get_logger().info("traces sent", to=collector)
        try:
            asyncio.run(_run(settings))
        finally:
            traces.stop_traces(_SPANS_SECONDS)
    except TowpathError as error:
        sys.stderr.write(f"towpath-server: {error}\n")
        lean.leave(error.rule.exit_code)
    lean.leave()


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await start_server(settings)
    lean.loaded()
    await stop.wait()
    await server.stop()


if __name__ == "__main__":
    main()
