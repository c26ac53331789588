from __future__ import annotations

import socket

from towpath_local.embedded.ports import LOOPBACK, free_port, is_free


def test_port_with_a_listener_is_not_free() -> None:
    """A server that is given a taken port fails at start."""
    port = free_port()
    with socket.create_server((LOOPBACK, port)):
        assert not is_free(port)
    assert is_free(port)


def test_ports_drawn_in_a_row_differ() -> None:
    """Several servers draw their ports before the first of them listens."""
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == len(ports)


def test_port_above_the_drawn_one_is_free_and_not_drawn_again() -> None:
    """SeaweedFS listens there too."""
    lower = free_port(also_offset=10_000)
    assert is_free(lower + 10_000)
    assert lower + 10_000 not in {free_port() for _ in range(200)}
