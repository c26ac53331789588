"""Keeps sources and destinations, checks them and discovers what sources offer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from towpath_sdk.errors import Conflict, Misconfigured

from towpath_server.domain.config_check import check_config
from towpath_server.domain.connector import Connector, Endpoint, Role
from towpath_server.domain.failure import error_of
from towpath_server.domain.ids import new_token
from towpath_server.domain.json_text import JsonObject, dump, load_object, same
from towpath_server.domain.limits import UNLIMITED, ContainerLimits
from towpath_server.domain.names import check_id, id_of
from towpath_server.domain.pages import page_size, page_start, page_token
from towpath_server.domain.secrets import masked, restored
from towpath_server.domain.streams import CatalogStream
from towpath_server.domain.task import Launch, TaskKind, TaskReport, TaskResult
from towpath_server.use_cases.audit import record
from towpath_server.use_cases.problems import no_such
from towpath_server.use_cases.requests import check_etag, fields_to_change, now, remember, served_before
from towpath_server.use_cases.store import Records, Store
from towpath_server.use_cases.tasks import ConnectorTasks

__all__ = ["Endpoints", "ShownEndpoint", "answer_of", "launch_of"]


@dataclass(frozen=True)
class ShownEndpoint:
    """An endpoint as users may see it: `config_json` has every secret masked."""

    endpoint: Endpoint
    config_json: str


class Endpoints:
    """Sources, or destinations."""

    def __init__(
        self,
        role: Role,
        store: Store,
        tasks: ConnectorTasks,
        decode_catalog: Callable[[bytes], Sequence[CatalogStream]],
    ) -> None:
        self._role = role
        self._store = store
        self._tasks = tasks
        self._decode_catalog = decode_catalog

    async def create(self, identifier: str, connector: str, config_json: str, request_id: str) -> ShownEndpoint:
        """Store a configuration that matches the schema of `connector`, a resource name."""
        check_id(f"{self._role.value}_id", identifier)
        connector_id = id_of("connectors", connector, f"{self._role.value}.connector")
        name, method = f"{self._role.collection}/{identifier}", f"Create{self._role.value.title()}"
        async with self._store.write() as records:
            if await served_before(records, method, request_id, name) is not None:
                return await self._shown(records, identifier)
            used = await self._connector(records, connector_id, lock=True)
            config = self._checked(used, load_object(config_json, "config_json"), stored={})
            time = now()
            endpoint = Endpoint(self._role, identifier, connector_id, config, new_token(), time, time)
            await records.endpoints(self._role).add(endpoint)
            await remember(records, method, request_id, name, name)
            await record(records, "create", name, connector=used.name)
            return _show(endpoint, used)

    async def get(self, identifier: str) -> ShownEndpoint:
        """Return one endpoint. Raises NotFound."""
        async with self._store.read() as records:
            return await self._shown(records, identifier)

    async def page(self, size: int, token: str) -> tuple[Sequence[ShownEndpoint], str]:
        """Return endpoints by id, and the token of the next page."""
        limit, start = page_size(size), page_start(self._role.collection, token)
        async with self._store.read() as records:
            found = await records.endpoints(self._role).page(start, limit + 1)
            connectors = {
                identifier: await self._connector(records, identifier)
                for identifier in {endpoint.connector for endpoint in found}
            }
        shown = [_show(endpoint, connectors[endpoint.connector]) for endpoint in found[:limit]]
        return shown, page_token(self._role.collection, found[limit - 1].id) if len(found) > limit else ""

    async def update(
        self, identifier: str, connector: str, config_json: str, etag: str, mask: Sequence[str]
    ) -> ShownEndpoint:
        """Change a configuration, if it differs; secrets that come back as the mask keep what is stored."""
        fields = fields_to_change(mask, {"config_json"}, fixed={"name", "connector"})
        async with self._store.write() as records:
            rows = records.endpoints(self._role)
            present = await rows.find(identifier, lock=True)
            if present is None:
                raise no_such(f"{self._role.collection}/{identifier}")
            check_etag(present.name, etag, present.etag)
            if connector and connector != f"connectors/{present.connector}":
                field = f"{self._role.value}.connector"
                problem = f"is connectors/{present.connector} and cannot be changed; create another {self._role.value}"
                raise Misconfigured(f"{field} is immutable", reason="IMMUTABLE", fields={field: problem})
            used = await self._connector(records, present.connector)
            if "config_json" not in fields:
                return _show(present, used)
            config = self._checked(used, load_object(config_json, "config_json"), stored=present.config)
            # What stays the same keeps its etag, by which a client that cannot see secrets learns whether they
            # differed, and with it the catalog that is known.
            if same(config, present.config):
                return _show(present, used)
            changed = replace(present, config=config, etag=new_token(), update_time=now())
            await rows.save(changed)
            await record(records, "update", changed.name, fields=", ".join(_differing(present.config, config)))
            return _show(changed, used)

    async def delete(self, identifier: str) -> None:
        """Forget an endpoint that no connection uses."""
        name = f"{self._role.collection}/{identifier}"
        async with self._store.write() as records:
            rows = records.endpoints(self._role)
            if await rows.find(identifier, lock=True) is None:
                raise no_such(name)
            user = await rows.user_of(identifier)
            if user is not None:
                raise Conflict(f"{name} is used by {user}; delete that first", reason="IN_USE")
            await rows.remove(identifier)
            await record(records, "delete", name)

    async def check(self, identifier: str, remaining: float | None) -> bytes:
        """Run the probes; returns a serialized CheckResponse."""
        _, launch = await self.launch(identifier)
        return answer_of(await self._tasks.run(TaskKind.CHECK, launch, remaining))

    async def watch_check(self, identifier: str, remaining: float | None) -> AsyncGenerator[TaskReport]:
        """Run the probes; yields how far they have come whenever that changes, and at last all of them."""
        _, launch = await self.launch(identifier)
        async with aclosing(self._tasks.watch(TaskKind.CHECK, launch, remaining)) as steps:
            async for step in steps:
                yield step if isinstance(step, TaskReport) else TaskReport(answer_of(step), "")

    async def discover(self, identifier: str, remaining: float | None) -> bytes:
        """Read the catalog of a source, and keep it for later checks; returns a serialized DiscoverResponse."""
        endpoint, launch = await self.launch(identifier)
        catalog = answer_of(await self._tasks.run(TaskKind.DISCOVER, launch, remaining))
        async with self._store.write() as records:
            present = await records.endpoints(self._role).find(identifier, lock=True)
            if present is not None and present.etag == endpoint.etag:
                await records.catalogs.put(identifier, endpoint.etag, catalog, now())
        return catalog

    async def known_catalog(self, identifier: str) -> Sequence[CatalogStream] | None:
        """Return the catalog that the source showed last under its present configuration; None when it never did."""
        async with self._store.read() as records:
            endpoint = await records.endpoints(self._role).find(identifier)
            wire = None if endpoint is None else await records.catalogs.find(identifier, endpoint.etag)
        return None if wire is None else self._decode_catalog(wire)

    async def fresh_catalog(self, identifier: str, remaining: float | None) -> Sequence[CatalogStream]:
        """Discover a source now."""
        return self._decode_catalog(await self.discover(identifier, remaining))

    async def launch(self, identifier: str) -> tuple[Endpoint, Launch]:
        """Return an endpoint and how to start its connector, the configuration in clear. Raises NotFound."""
        async with self._store.read() as records:
            endpoint = await records.endpoints(self._role).find(identifier)
            if endpoint is None:
                raise no_such(f"{self._role.collection}/{identifier}")
            used = await self._connector(records, endpoint.connector)
        return endpoint, launch_of(endpoint, used)

    async def _shown(self, records: Records, identifier: str) -> ShownEndpoint:
        endpoint = await records.endpoints(self._role).find(identifier)
        if endpoint is None:
            raise no_such(f"{self._role.collection}/{identifier}")
        return _show(endpoint, await self._connector(records, endpoint.connector))

    async def _connector(self, records: Records, identifier: str, *, lock: bool = False) -> Connector:
        connector = await records.connectors.find(identifier, lock=lock)
        if connector is None:
            raise no_such(f"connectors/{identifier}")
        return connector

    def _checked(self, connector: Connector, config: JsonObject, stored: JsonObject) -> JsonObject:
        if self._role not in connector.spec.roles:
            field = f"{self._role.value}.connector"
            problem = f"{connector.name} is no {self._role.value}"
            raise Misconfigured(problem, reason="WRONG_ROLE", fields={field: problem})
        schema = connector.spec.schema
        complete = restored(schema, config, stored)
        check_config(schema, complete)
        return complete


def answer_of(result: TaskResult) -> bytes:
    """Return what the connector answered; raises what it failed with."""
    if result.failure is not None:
        raise error_of(result.failure)
    return result.message


def _differing(before: JsonObject, after: JsonObject) -> list[str]:
    """Return the names of the fields whose values differ, and nothing of the values."""
    names = sorted(before.keys() | after.keys())
    return [name for name in names if name not in before or name not in after or before[name] != after[name]]


def launch_of(endpoint: Endpoint, connector: Connector, limits: ContainerLimits = UNLIMITED) -> Launch:
    """Return how to start the connector of `endpoint`, its configuration in clear; `limits` go before its own."""
    program = connector.program
    return Launch(
        connector=connector.name,
        program=replace(program, limits=limits.over(program.limits)),
        config_json=dump(endpoint.config),
        spec=connector.spec.wire,
    )


def _show(endpoint: Endpoint, connector: Connector) -> ShownEndpoint:
    return ShownEndpoint(endpoint, dump(masked(connector.spec.schema, endpoint.config)))
