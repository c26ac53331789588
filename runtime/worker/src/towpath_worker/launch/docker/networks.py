"""A network for one container: a bridge of its own, so that the engine keeps it apart from every other container.

Its subnet is drawn from the worker's, because the engine's own pool ends after some thirty networks. The bridge's name
begins with `twp`, by which a firewall knows what comes from connectors.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool
from towpath_sdk.errors import Owner, Unavailable

from towpath_worker.launch.docker.engine import said
from towpath_worker.launch.docker.policy import SUBNET_PREFIX

__all__ = ["BRIDGES", "make_network"]

BRIDGES = "twp"
"""How the names of bridges begin; they have 15 characters at most."""

_DRAWS = 16


def make_network(client: Any, name: str, labels: Mapping[str, str], subnets: IPv4Network) -> None:
    """Make a network called `name`. Raises Unavailable when no free subnet was found."""
    refused = ""
    for _ in range(_DRAWS):
        number = secrets.randbelow(1 << (SUBNET_PREFIX - subnets.prefixlen))
        subnet = IPv4Network((int(subnets.network_address) + (number << (32 - SUBNET_PREFIX)), SUBNET_PREFIX))
        try:
            client.networks.create(
                name,
                driver="bridge",
                labels=dict(labels),
                check_duplicate=True,
                ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet))]),
                options={
                    "com.docker.network.bridge.name": f"{BRIDGES}{secrets.token_hex(5)}",
                    "com.docker.network.bridge.enable_icc": "false",
                },
            )
        except APIError as error:
            refused = said(error)
        else:
            return
    raise Unavailable(
        f"no network can be made for a container within {subnets} (TOWPATH_WORKER_DOCKER_SUBNETS): {refused}",
        reason="DOCKER_NETWORK",
        owner=Owner.PLATFORM,
    )
