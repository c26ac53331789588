"""The `towpath` command, and the synchronous client of towpath.control.v1 behind it.

`client` talks to the server, `manifest` knows pipeline files, `render` draws, `commands` joins them. Everything
is synchronous and runs in the main thread; gRPC's own threads are out of sight.
"""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("towpath-cli")
