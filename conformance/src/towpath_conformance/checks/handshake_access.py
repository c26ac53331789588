"""Access: who may call."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from towpath_conformance.methods import METHODS, Subject
from towpath_conformance.peer import Peer
from towpath_conformance.registry import check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, skip


@check(
    "handshake.token-required",
    asserts="With TOWPATH_TOKEN_FILE set, every method but health fails with UNAUTHENTICATED when the token is missing "
    "or another one, or comes under another scheme than Bearer.",
    why="Who reaches a connector's address could otherwise read all data with its credentials.",
    fix="Compare `authorization` with `Bearer <token>` before anything else, in one interceptor for all services.",
)
async def token_required(trial: Trial) -> None:
    instance = await trial.shared()
    token = instance.token
    if not token:
        skip("the judge was given no token for this endpoint, and demands none")
    for what, values in (
        ("no token", []),
        ("another token", [f"Bearer {token[:-1]}{'a' if token[-1] != 'a' else 'b'}"]),
        ("a part of the token", [f"Bearer {token[:-1]}"]),
        ("an empty token", ["Bearer "]),
        ("the token under the scheme Basic", [f"Basic {token}"]),
        ("the token without a scheme", [token]),
    ):
        await _expect_refused(trial, instance.address, what, values)


async def _expect_refused(trial: Trial, address: str, what: str, values: Sequence[str]) -> None:
    peer = Peer(address, None, metadata=[("authorization", value) for value in values])
    try:
        for method in METHODS:
            if method.role is not None and not method.role.declared(trial.spec):
                continue
            failure = (await method.call(peer, Subject())).failure
            if method.optional and failure is not None and failure.code is grpc.StatusCode.UNIMPLEMENTED:
                continue
            expect(
                failure is not None and failure.code is grpc.StatusCode.UNAUTHENTICATED,
                f"with {what}, {method.name} ends with {failure or 'OK'}; it should be UNAUTHENTICATED",
            )
    finally:
        await peer.close()
