"""Carries out what a case file says is to be done to the system behind a connector, and reads destinations back."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import psycopg
import pyarrow as pa
from pyarrow import parquet as _parquet

from towpath_conformance.case import Action, Reader
from towpath_conformance.rows import filled, table_of_lines, table_of_rows

__all__ = ["ActionFailed", "act", "read_back", "succeeds"]

T = TypeVar("T")

_SECONDS = 300


class ActionFailed(Exception):
    """A command, statement or plug-in of the case file failed: nothing can be said of the connector."""


async def act(action: Action, config: Mapping[str, Any], folder: Path) -> None:
    """Carry out an action. Raises ActionFailed."""
    code, _, errors = await _acted(action, config, folder)
    if code:
        raise ActionFailed(f"{_name(action)} ended with exit code {code}: {errors}")


async def succeeds(action: Action, config: Mapping[str, Any], folder: Path) -> bool:
    """Carry out an action that answers a question: True when it went well. SQL answers by its first value."""
    code, _, _ = await _acted(action, config, folder)
    return code == 0


async def read_back(reader: Reader, config: Mapping[str, Any], folder: Path, namespace: str, stream: str) -> pa.Table:
    """Read what is visible of one stream. Raises ActionFailed."""
    try:
        if reader.plugin is not None:
            returned = await _in_thread(_plugin(reader.plugin, folder), dict(config), namespace, stream)
            return _as_table(returned, reader.plugin)
        if reader.sql is not None:
            query = filled(reader.sql, {"namespace": namespace, "stream": stream})
            return await _in_thread(_query, reader.url or "", query)
    except ActionFailed:
        raise
    except Exception as error:  # whatever a plug-in or a driver raises
        how = reader.plugin or "the SQL that reads back"
        raise ActionFailed(f"{how} failed: {type(error).__name__}: {error}") from error
    words = [word.replace("{namespace}", namespace).replace("{stream}", stream) for word in reader.command or []]
    code, output, errors = await _run(words, config, folder)
    if code:
        raise ActionFailed(f"`{words[0]}` ended with exit code {code}: {errors}")
    try:
        return _decoded(output, reader.format)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ActionFailed(f"what `{words[0]}` printed is no {reader.format}: {error}") from error


def _as_table(returned: object, reference: str) -> pa.Table:
    if not isinstance(returned, pa.Table):
        raise ActionFailed(f"{reference} returned {type(returned).__name__}, not a pyarrow.Table")
    return returned


async def _acted(action: Action, config: Mapping[str, Any], folder: Path) -> tuple[int, bytes, str]:
    if action.command is not None:
        return await _run(action.command, config, folder)
    try:
        if action.plugin is not None:
            answer = await _in_thread(_plugin(action.plugin, folder), dict(config))
            return int(answer is False), b"", ""
        await _in_thread(_execute, action.url or "", action.sql or "")
    except ActionFailed:
        raise
    except Exception as error:  # noqa: BLE001 whatever a plug-in or a driver raises
        return 1, b"", f"{type(error).__name__}: {error}"
    return 0, b"", ""


async def _run(words: list[str], config: Mapping[str, Any], folder: Path) -> tuple[int, bytes, str]:
    """Run a command; the configuration is on its standard input, as JSON, so that it is in no process list."""
    program = sys.executable if words[0] == "python" else words[0]
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *words[1:],
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ActionFailed(f"`{words[0]}` cannot be started: {error.strerror}") from error
    try:
        output, errors = await asyncio.wait_for(process.communicate(json.dumps(config).encode()), _SECONDS)
    except TimeoutError:
        raise ActionFailed(f"`{words[0]}` did not end within {_SECONDS} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, output, errors.decode("utf-8", "replace").strip()[-2000:]


async def _in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Run what blocks in a thread that nobody waits for once the run has been interrupted."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[T] = loop.create_future()

    def settle(settled: Callable[[], None]) -> None:
        if not ended.done():
            settled()

    def run() -> None:
        try:
            result = function(*arguments)
        except BaseException as error:  # noqa: BLE001 it is raised where it is awaited
            failure = error
            settled = partial(ended.set_exception, failure)
        else:
            settled = partial(ended.set_result, result)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the run was interrupted
            loop.call_soon_threadsafe(settle, settled)

    threading.Thread(target=run, name="towpath-action", daemon=True).start()
    return await ended


def _plugin(reference: str, folder: Path) -> Callable[..., Any]:
    module_name, _, function = reference.partition(":")
    # Where a connector's own package lies, in the layout that `towpath connector new` writes.
    for place in (str(folder / "src"), str(folder)):
        if place not in sys.path:
            sys.path.insert(0, place)
    try:
        return cast("Callable[..., Any]", getattr(importlib.import_module(module_name), function))
    except (ImportError, AttributeError) as error:
        raise ActionFailed(f"there is no plug-in {reference}: {error}") from error


def _execute(url: str, statements: str) -> None:
    if url.startswith(("postgres://", "postgresql://")):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(cast("Any", statements))
        return
    with closing(sqlite3.connect(url)) as database:
        database.executescript(statements)


def _query(url: str, query: str) -> pa.Table:
    names, rows = (_ask_postgres if url.startswith(("postgres://", "postgresql://")) else _ask_sqlite)(url, query)
    return table_of_rows([dict(zip(names, row, strict=True)) for row in rows], names)


def _ask_postgres(url: str, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    with psycopg.connect(url) as connection:
        try:
            cursor = connection.execute(cast("Any", query))
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return [], []
        return [column.name for column in cursor.description or []], cursor.fetchall()


def _ask_sqlite(url: str, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(url)) as database:
        try:
            found = database.execute(query)
        except sqlite3.OperationalError as error:
            if str(error).startswith("no such table"):  # SQLite has no code for it
                return [], []
            raise
        return [column[0] for column in found.description or []], found.fetchall()


def _decoded(output: bytes, form: str) -> pa.Table:
    if not output.strip():
        return table_of_rows([])
    if form == "arrow":
        with pa.ipc.open_stream(output) as reader:
            return reader.read_all()
    if form == "parquet":
        return cast("pa.Table", cast("Any", _parquet).read_table(io.BytesIO(output)))
    return table_of_lines(output)


def _name(action: Action) -> str:
    if action.command:
        return f"`{action.command[0]}`"
    return action.plugin or "the SQL of the case file"
