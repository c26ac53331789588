"""Handshake and spec: who the connector is, and what both sides agree to keep to."""

from __future__ import annotations

import re

import grpc
from towpath.connector.v1 import connector_pb2

from towpath_conformance.registry import check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect


@check(
    "handshake.no-common-version",
    asserts="A Handshake without a common version fails with FAILED_PRECONDITION and names the supported versions.",
    why="A platform that is too old or too new has to tell its user which of the two to upgrade.",
    fix="Compare the offered majors with yours; when none matches, fail and write your versions into the message.",
)
async def no_common_version(trial: Trial) -> None:
    offered = connector_pb2.HandshakeRequest(
        supported_versions=[connector_pb2.ProtocolVersion(major=9_999, minor=0)], client_info="towpath-conformance"
    )
    refusal = (await (await trial.peer()).handshake(offered)).refusal
    expect(
        refusal.code is grpc.StatusCode.FAILED_PRECONDITION,
        f"a Handshake that offers version 9999 alone fails with {refusal.code.name}; it should be FAILED_PRECONDITION",
    )
    expect(
        re.search(r"\b1(\.\d+)?\b", f"{refusal.message} {refusal.user_message}"),
        f"the failure does not name the versions that the connector speaks: {refusal}",
    )
