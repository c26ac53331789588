"""Registers connectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from towpath_sdk.errors import Conflict

from towpath_server.domain.config_check import check_schema
from towpath_server.domain.connector import Connector, Program, Spec
from towpath_server.domain.ids import new_token
from towpath_server.domain.names import check_id
from towpath_server.domain.pages import page_size, page_start, page_token
from towpath_server.domain.programs import changed_program, check_program
from towpath_server.domain.task import Launch, TaskKind
from towpath_server.use_cases.audit import record
from towpath_server.use_cases.problems import AlreadyExists, no_such
from towpath_server.use_cases.requests import check_etag, fields_to_change, now, remember, served_before
from towpath_server.use_cases.store import Records, Store
from towpath_server.use_cases.tasks import ConnectorTasks

__all__ = ["Connectors"]


class Connectors:
    """Programs that speak towpath.connector.v1."""

    def __init__(self, store: Store, tasks: ConnectorTasks, decode_spec: Callable[[bytes], Spec]) -> None:
        self._store = store
        self._tasks = tasks
        self._decode_spec = decode_spec

    async def create(self, identifier: str, program: Program, request_id: str, remaining: float | None) -> Connector:
        """Register a connector, after a worker has started it to learn its spec."""
        check_id("connector_id", identifier)
        check_program(program)
        name = f"connectors/{identifier}"
        async with self._store.read() as records:
            if await served_before(records, "CreateConnector", request_id, name) is not None:
                return await _existing(records, identifier)
            present = await records.connectors.find(identifier)
        if present is not None:
            if present.program == program:
                return present
            raise AlreadyExists(name)
        spec = await self._learn_spec(name, program, remaining)
        time = now()
        connector = Connector(identifier, program, spec, new_token(), time, time)
        async with self._store.write() as records:
            await records.connectors.add(connector)
            await remember(records, "CreateConnector", request_id, name, name)
            await record(records, "create", name, program=str(program))
        return connector

    async def get(self, identifier: str) -> Connector:
        """Return a connector. Raises NotFound."""
        async with self._store.read() as records:
            return await _existing(records, identifier)

    async def page(self, size: int, token: str) -> tuple[Sequence[Connector], str]:
        """Return connectors by id, and the token of the next page."""
        limit, start = page_size(size), page_start("connectors", token)
        async with self._store.read() as records:
            found = await records.connectors.page(start, limit + 1)
        more = len(found) > limit
        return found[:limit], page_token("connectors", found[limit - 1].id) if more else ""

    async def update(
        self, identifier: str, program: Program, etag: str, mask: Sequence[str], remaining: float | None
    ) -> Connector:
        """Change how a connector is launched, and read its spec again, also when nothing else changes."""
        fields = fields_to_change(mask, {"command", "image", "limits"}, fixed={"name"})
        present = await self.get(identifier)
        check_etag(present.name, etag, present.etag)
        wanted = changed_program(present.program, program, fields)
        check_program(wanted)
        spec = await self._learn_spec(present.name, wanted, remaining)
        async with self._store.write() as records:
            locked = await records.connectors.find(identifier, lock=True)
            if locked is None:
                raise no_such(present.name)
            check_etag(present.name, etag, locked.etag)
            user = await records.connectors.user_of(identifier)
            if user is not None and not locked.spec.roles <= spec.roles:
                raise Conflict(
                    f"what starts it now no longer serves what {user} needs; delete that first", reason="ROLE_IN_USE"
                )
            changed = replace(locked, program=wanted, spec=spec, etag=new_token(), update_time=now())
            await records.connectors.save(changed)
            await record(records, "update", changed.name, program=str(wanted))
        return changed

    async def delete(self, identifier: str) -> None:
        """Forget a connector that nothing uses."""
        async with self._store.write() as records:
            if await records.connectors.find(identifier, lock=True) is None:
                raise no_such(f"connectors/{identifier}")
            user = await records.connectors.user_of(identifier)
            if user is not None:
                raise Conflict(f"connectors/{identifier} is used by {user}; delete that first", reason="IN_USE")
            await records.connectors.remove(identifier)
            await record(records, "delete", f"connectors/{identifier}")

    async def _learn_spec(self, name: str, program: Program, remaining: float | None) -> Spec:
        launch = Launch(connector=name, program=program, config_json="{}")
        result = await self._tasks.run(TaskKind.SPEC, launch, remaining)
        if result.failure is not None:
            raise Conflict(f"{name} cannot be used: {result.failure.message}", reason=result.failure.reason)
        spec = self._decode_spec(result.message)
        if not spec.roles:
            raise Conflict(
                f"{name} is neither a source nor a destination; this is for its author", reason="INVALID_SPEC"
            )
        check_schema(spec.schema)
        return spec


async def _existing(records: Records, identifier: str) -> Connector:
    connector = await records.connectors.find(identifier)
    if connector is None:
        raise no_such(f"connectors/{identifier}")
    return connector
