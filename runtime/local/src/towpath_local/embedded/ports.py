"""Free TCP ports on the loopback address.

Ports are drawn at random below the range from which Linux takes the local ports of outgoing connections (32768 and
up), so that a port which is free now is not taken a moment later by somebody's client. Two programs that draw at the
same time rarely meet; whoever starts a server on such a port still tries again with another one (see `server.py`).
"""

from __future__ import annotations

import random
import socket
import threading
from collections import deque

__all__ = ["LOOPBACK", "free_port", "is_free"]

LOOPBACK = "127.0.0.1"

_LOWEST = 10_000
_HIGHEST = 32_767
_ATTEMPTS = 1_000

_random = random.SystemRandom()
"""Not the module's shared generator: a test that seeds it must not make parallel runs draw the same ports."""

_handed_out: deque[int] = deque(maxlen=1_000)
_lock = threading.Lock()


def free_port(*, also_offset: int = 0) -> int:
    """Return a port on which nothing listens, not handed out lately by this process.

    With `also_offset`, the port that lies so much higher is free too (SeaweedFS derives its gRPC ports that way), and
    both lie in the range. Raises OSError when a thousand draws found none.
    """
    for _ in range(_ATTEMPTS):
        port = _random.randint(_LOWEST, _HIGHEST - also_offset)
        wanted = {port, port + also_offset}
        with _lock:
            if not wanted.isdisjoint(_handed_out) or not all(map(is_free, wanted)):
                continue
            _handed_out.extend(wanted)
            return port
    raise OSError(f"no free TCP port between {_LOWEST} and {_HIGHEST} on {LOOPBACK}")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of a former listener that linger in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
