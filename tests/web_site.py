"""Where a browser finds the web client: at `towpath up`, or at a deployment behind the Envoy of production."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployment_topology import topology
from fix_postgres import Database
from towpath_local.builtin_connectors import installed_connectors, register
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_local.embedded.temporal import EmbeddedTemporal

__all__ = ["Site", "deployed_site"]


@dataclass(frozen=True)
class Site:
    """An address of the web client, and the token that its server asks for; empty where it asks for none."""

    web: str
    token: str = ""


@contextmanager
def deployed_site(root: Path, temporal: EmbeddedTemporal, postgres: EmbeddedPostgres) -> Generator[Site]:
    """Two servers on one PostgreSQL behind Envoy, with TLS and tokens, and a worker that comes by the same address."""
    metadata = Database(postgres, f"metadata_{uuid.uuid4().hex[:12]}")
    postgres.create_database(metadata.name)
    with ExitStack() as stack:
        stack.callback(postgres.drop_database, metadata.name)
        deployed = stack.enter_context(topology(root / "deployed", temporal, metadata.url))
        stack.enter_context(deployed.worker(None, **deployed.worker_settings))
        for connector in installed_connectors():
            if connector.id in {"source-postgres", "destination-s3"}:
                register(deployed.client, connector)
        yield Site(f"https://{deployed.address}/", deployed.token)
