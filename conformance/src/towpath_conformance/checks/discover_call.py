"""Discover as a call: its pages, its end, and how it is refused or cancelled."""

from __future__ import annotations

import contextlib
import json

import grpc

from towpath_conformance.cataloguing import discovered, in_small_pages, streams_of
from towpath_conformance.configs import without_required
from towpath_conformance.failure import failure_of
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.trying import schema_to_judge_by
from towpath_conformance.verdicts import Skipped, expect, fail, skip

_MANY = 10_000
_CANCELLED_TIMES = 5


@check(
    "discover.page-size",
    needs=[SOURCE],
    asserts="No page of the catalogue is larger than the max_message_bytes that was agreed on, unless it holds a "
    "single stream.",
    why="A larger message is refused by the caller's gRPC, and a database of many tables could never be connected.",
    fix="Begin a new page before one grows beyond the limit that the Handshake has agreed on.",
)
async def page_size(trial: Trial) -> None:
    pages = await in_small_pages(trial)
    if not pages.agreed:
        skip(
            "no instance agreed to a smaller limit: it takes one of its own, with --command, or see "
            "handshake.limits-smaller-of-both"
        )
    for number, page in enumerate(pages.answer.all_ok, start=1):
        expect(
            page.ByteSize() <= pages.limit or len(page.streams) == 1,
            f"page {number}, of {len(page.streams)} streams, has {page.ByteSize()} bytes; agreed were {pages.limit}",
        )


@check(
    "discover.ten-thousand-streams",
    needs=[SOURCE],
    inputs=["source.many_streams"],
    slow=True,
    asserts="A catalogue of 10,000 streams arrives as a whole.",
    why="Databases with a schema per tenant have that many tables, and more.",
    fix="Send pages while you list, and keep no more than one of them in memory.",
)
async def ten_thousand_streams(trial: Trial) -> None:
    pages = await in_small_pages(trial)
    names = {(stream.name.namespace, stream.name.name) for stream in streams_of(pages.answer.all_ok)}
    expect(
        len(names) >= _MANY,
        f"with `many_streams` of the case file, Discover lists {len(names)} streams; at least {_MANY} are due",
    )


@check(
    "discover.cancel",
    needs=[SOURCE],
    asserts="A Discover that is cancelled in its middle lets go of everything: health is answered, and the next "
    "Discover works as before.",
    why="A user closes the page while a large catalogue loads, and opens it again.",
    fix="Stop listing when the call is cancelled, and close the connection to the remote system in a `finally`.",
)
async def cancel(trial: Trial) -> None:
    usual = await discovered(trial)
    if usual.failure is not None:
        skip("Discover fails in any case; see discover.schemas-decode")
    many = trial.source.many_streams
    config_json = trial.case.config_json if many is None else trial.case.config_with(many)
    seconds = trial.case.patience.call_seconds
    async with trial.fresh() as instance:
        peer = instance.peer
        for cancelled in range(_CANCELLED_TIMES):
            async with peer.discovering(config_json, seconds) as call:
                try:
                    await anext(aiter(call), None)
                except grpc.RpcError as error:
                    if cancelled:
                        fail(
                            f"after {cancelled} Discovers that were cancelled, the next one fails: {failure_of(error)}"
                        )
                    break  # it fails with the many streams in any case
        health = await peer.health()
        expect(health.failure is None, f"after Discovers that were cancelled, health fails: {health.failure}")
        process = instance.process
        expect(process is None or process.alive, "the connector ended after Discovers that were cancelled")
        later = await peer.discover(trial.case.config_json, seconds)
        expect(later.failure is None, f"after Discovers that were cancelled, the next one fails: {later.failure}")
        listed, due = len(streams_of(later.responses)), len(streams_of(usual.responses))
        expect(
            listed >= due, f"after Discovers that were cancelled, the next one lists {listed} streams instead of {due}"
        )


@check(
    "discover.invalid-config",
    needs=[SOURCE],
    asserts="Discover with a configuration that is no JSON, or does not match the schema, fails with INVALID_ARGUMENT "
    "before any page.",
    why="An empty catalogue looks like an empty system.",
    fix="Validate in one place, for every call that brings a configuration.",
)
async def invalid_config(trial: Trial) -> None:
    spoilt = {"no JSON": "{", "a list": "[]"}
    with contextlib.suppress(Skipped):
        for each in without_required(schema_to_judge_by(trial), trial.case.config):
            spoilt[f"a configuration {each.what}"] = json.dumps(each.config)
    for what, config_json in spoilt.items():
        answer = await (await trial.peer()).discover(config_json, trial.case.patience.call_seconds)
        expect(
            answer.failure is not None and answer.failure.code is grpc.StatusCode.INVALID_ARGUMENT,
            f"with {what}, Discover ends with {answer.failure or 'OK'}; it should fail with INVALID_ARGUMENT",
        )
        expect(not answer.responses, f"with {what}, Discover sends {len(answer.responses)} pages before it fails")
