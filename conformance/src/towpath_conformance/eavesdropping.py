"""What a connector says while it is given secrets, valid and wrong ones: for whoever looks for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.message import DecodeError
from towpath.connector.v1 import destination_pb2, source_pb2

from towpath_conformance.actions import ActionFailed
from towpath_conformance.canaries import Canaried, Wanted, canaried, secrets_in
from towpath_conformance.delivery import Delivery, plain, records
from towpath_conformance.failure import Failure
from towpath_conformance.methods import METHODS, Heard, Method, Subject
from towpath_conformance.peer import Peer
from towpath_conformance.schema import parse_schema
from towpath_conformance.targets.port import Process
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, skip

__all__ = ["Overheard", "Refusal", "Refusals", "overheard", "refusals", "valid_secrets"]

DEBUG = {"TOWPATH_LOG_LEVEL": "DEBUG"}
"""The environment in which connectors of the SDK say the most; others are free to know it."""

_LOOK_SECONDS = 0.02
_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Refusal:
    """What one call with canaries brought: the statuses in it, and its log lines."""

    where: str
    failure: Failure | None
    statuses: Sequence[bytes]
    logs: Sequence[bytes]


@dataclass(frozen=True)
class Refusals:
    """Every method, with every kind of canaries."""

    wanted: Wanted
    calls: Sequence[Refusal]


@dataclass
class Overheard:
    """An instance of its own that was given secrets, with everything that it left behind."""

    wanted: Wanted
    output: str = ""
    looks_into_files: bool = False
    in_files: dict[str, str] = field(default_factory=dict[str, str])
    """Names of temporary files, and which secret was found in each."""


def valid_secrets(trial: Trial) -> Wanted:
    """The secrets of the valid configuration that can be told from anything else."""
    return Wanted(secrets_in(parse_schema(trial.spec.config_json_schema), trial.case.config))


def _canaried(trial: Trial, name: str) -> tuple[Wanted, Sequence[Canaried]]:
    schema = parse_schema(trial.spec.config_json_schema)
    wanted, tries = canaried(schema, trial.case.config, trial.random(name))
    if not tries:
        skip("the connector's schema does not declare a secret field")
    return wanted, tries


async def refusals(trial: Trial) -> Refusals:
    """Call every method with canaries in the place of secrets; done once. Skips the check where there are none."""
    wanted, tries = _canaried(trial, "secrecy")

    async def call_all() -> Refusals:
        peer = await trial.peer()
        found = await asyncio.gather(*(_call_all(trial, peer, each, f"canaries-{n}") for n, each in enumerate(tries)))
        return Refusals(wanted, [refusal for calls in found for refusal in calls])

    return await trial.once("call with canaries", call_all)


async def overheard(trial: Trial) -> Overheard:
    """Let an instance of its own work with secrets, and take down what it prints and leaves; done once."""
    wanted, tries = _canaried(trial, "secrecy in a process")

    async def listen() -> Overheard:
        heard = Overheard(valid_secrets(trial) | wanted)
        async with trial.fresh_process(environ=DEBUG) as (instance, process), _looking(process, heard):
            peer = instance.peer
            with contextlib.suppress(Failed, ActionFailed):
                await _work(trial, peer)
            for number, each in enumerate(tries):
                await _call_all(trial, peer, each, f"overheard-{number}")
            heard.output = process.output()
        return heard

    return await trial.once("overheard", listen)


async def _call_all(trial: Trial, peer: Peer, tried: Canaried, name: str) -> list[Refusal]:
    calls: list[Refusal] = []
    for method in METHODS:
        if method.role is not None and not method.role.declared(trial.spec):
            continue
        # Whether it answers at all, and in time, is for others to judge.
        with contextlib.suppress(Failed):
            heard = await method.call(peer, _subject(trial, tried, name))
            where = f"{method.name} {tried.what}"
            calls.append(Refusal(where, heard.failure, list(_statuses(method, heard)), list(_logs(method, heard))))
    return calls


def _subject(trial: Trial, tried: Canaried, name: str) -> Subject:
    case = trial.case
    return Subject(
        config_json=tried.config_json,
        reads=[case.source.streams[0].wire()] if case.source is not None else [],
        writes=[plain(trial, "secrecy").wire] if case.destination is not None else [],
        write_id=f"conformance-{trial.run}-{name}",
        seconds=case.patience.call_seconds,
    )


async def _work(trial: Trial, peer: Peer) -> None:
    """Do with the valid configuration what a sync does."""
    case, seconds = trial.case, trial.case.patience.call_seconds
    await peer.handshake()
    await peer.check(case.config_json, seconds)
    if trial.is_source:
        await peer.discover(case.config_json, seconds)
        await peer.plan(
            source_pb2.PlanReadRequest(config_json=case.config_json, streams=[trial.source.streams[0].wire()]), seconds
        )
        await trial.read(trial.source.streams[0].wire(), peer=peer)
    if trial.is_destination:
        delivery = Delivery(trial, "overheard", [plain(trial, "overheard")])
        await delivery.prepare(peer=peer)
        async with delivery.writer(peer=peer) as writing:
            await writing.send(records([(1, "a row")]))
            receipt = await writing.commit()
            await writing.finish()
        await delivery.complete([receipt], peer=peer)


@asynccontextmanager
async def _looking(process: Process, heard: Overheard) -> AsyncGenerator[None]:
    """Look into the temporary files again and again: one that is deleted at once has been on a disk, too."""
    folder = process.folder
    if folder is None or not folder.is_dir():
        yield
        return
    heard.looks_into_files = True

    async def look() -> None:
        seen: dict[str, tuple[int, int]] = {}
        while True:
            _look_into(folder, heard, seen)
            await asyncio.sleep(_LOOK_SECONDS)

    looking = asyncio.ensure_future(look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait({looking})
        _look_into(folder, heard, {})


def _look_into(folder: Path, heard: Overheard, seen: dict[str, tuple[int, int]]) -> None:
    """Read every file that is new or has changed since it was `seen`, up to a size; names count, too."""
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        try:
            state = path.stat()
            if seen.get(name) == (state.st_size, state.st_mtime_ns):
                continue
            seen[name] = (state.st_size, state.st_mtime_ns)
            content = b""
            if path.is_file():
                with path.open("rb") as file:
                    content = file.read(_MOST_BYTES)
        except OSError:
            continue  # gone meanwhile, or not readable for the judge
        found = heard.wanted.found_in(content) or heard.wanted.found_in(name)
        if found:
            heard.in_files.setdefault(name, found)


def _statuses(method: Method, heard: Heard) -> Iterator[bytes]:
    """Serialized statuses within the messages of a call: results of probes, of streams, reasons of rejected rows."""
    if method.name in ("Check", "WatchCheck"):
        yield from heard.messages
    for kind, raw in _kinds(method, heard):
        if kind in ("status", "rejected"):
            yield raw


def _logs(method: Method, heard: Heard) -> Iterator[bytes]:
    return (raw for kind, raw in _kinds(method, heard) if kind == "log")


def _kinds(method: Method, heard: Heard) -> Iterator[tuple[str, bytes]]:
    types = {"Read": source_pb2.ReadResponse, "Write": destination_pb2.WriteResponse}
    kind = types.get(method.name)
    for raw in heard.messages if kind is not None else ():
        with contextlib.suppress(DecodeError):
            yield (kind.FromString(raw).WhichOneof("message") or "", raw) if kind is not None else ("", raw)
