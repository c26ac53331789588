"""Shows the first rows of a stream to somebody who is about to choose it, and writes down that it did."""

from __future__ import annotations

import time
from collections.abc import Sequence

from towpath_sdk.errors import Misconfigured

from towpath_server.domain.preview import preview_rows, preview_selection
from towpath_server.domain.selection import choices
from towpath_server.domain.streams import CatalogStream, StreamName
from towpath_server.domain.task import TaskKind, Work
from towpath_server.use_cases.audit import record
from towpath_server.use_cases.endpoints import Endpoints, answer_of
from towpath_server.use_cases.store import Store
from towpath_server.use_cases.tasks import ConnectorTasks

__all__ = ["Previews"]


class Previews:
    """Looks into sources. What is seen is kept nowhere; the task's row holds it, sealed, until the answer is made."""

    def __init__(self, store: Store, sources: Endpoints, tasks: ConnectorTasks) -> None:
        self._store = store
        self._sources = sources
        self._tasks = tasks

    async def rows(
        self, source: str, stream: StreamName, columns: Sequence[str], max_rows: int, remaining: float | None
    ) -> bytes:
        """Return the first rows of a stream, a serialized StreamPreview; `remaining` is the caller's time in seconds.

        Raises Misconfigured for a stream that the source does not offer, and what the connector fails with.
        """
        began = time.monotonic()
        rows = preview_rows(max_rows)
        offered = await self._offered(source, stream, remaining)
        endpoint, launch = await self._sources.launch(source)
        left = None if remaining is None else remaining - (time.monotonic() - began)
        work = Work((preview_selection(offered, columns),), rows)
        preview = answer_of(await self._tasks.run(TaskKind.PREVIEW, launch, left, work))
        # Before the rows leave: nobody sees any of which the trail does not tell.
        async with self._store.write() as records:
            await record(records, "preview", endpoint.name, stream=str(stream))
        return preview

    async def _offered(self, source: str, stream: StreamName, remaining: float | None) -> CatalogStream:
        """Find the stream in the catalog that is known; what is not there, or not known, is discovered."""
        known = await self._sources.known_catalog(source)
        found = next((offered for offered in known or () if offered.name == stream), None)
        if found is not None:
            return found
        catalog = await self._sources.fresh_catalog(source, remaining)
        found = next((offered for offered in catalog if offered.name == stream), None)
        if found is None:
            offers = choices(str(offered.name) for offered in catalog)
            problem = f"the source has no stream {stream}; choose one of: {offers}"
            raise Misconfigured(problem, reason="UNKNOWN_STREAM", fields={"stream": problem})
        return found
