"""Connectors whose Check breaks a rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.rpc import error_details_pb2, status_pb2
from towpath.connector.v1 import types_pb2
from towpath.connector.v1.connector_pb2 import CheckRequest, CheckResponse, WatchCheckRequest, WatchCheckResponse
from towpath_destination_local.config import LocalConfig
from towpath_destination_local.destination import LocalDestination
from towpath_sdk import Probe

from conformance_mutants.locking import forgets_its_lock
from conformance_mutants.messages import answers
from conformance_mutants.mutant import mutant


def _no_probe(_: CheckRequest, said: CheckResponse) -> CheckResponse:
    """Say nothing of probes that have passed."""
    failed = [result for result in said.results if result.status.code]
    return CheckResponse(results=failed)


def _all_green(_: CheckRequest, said: CheckResponse) -> CheckResponse:
    for result in said.results:
        result.ClearField("status")
    return said


def _one_reason(_: CheckRequest, said: CheckResponse) -> CheckResponse:
    for result in said.results:
        _change(result.status, error_details_pb2.ErrorInfo(), lambda info: setattr(info, "reason", "FAILED"))
    return said


def _speechless(_: CheckRequest, said: CheckResponse) -> CheckResponse:
    for result in said.results:
        _change(result.status, types_pb2.FailureInfo(), lambda info: info.ClearField("user_message"))
    return said


def _change(status: status_pb2.Status, kind: Any, change: Any) -> None:
    for detail in status.details:
        if detail.Is(kind.DESCRIPTOR):
            detail.Unpack(kind)
            change(kind)
            detail.Pack(kind)


def _silent_on_passes(_: WatchCheckRequest, said: WatchCheckResponse) -> WatchCheckResponse | None:
    """Tell of failures alone."""
    return said if said.ended.status.code else None


def _endless(_: WatchCheckRequest, said: WatchCheckResponse) -> WatchCheckResponse | None:
    """Announce a probe, and never say how it ended."""
    return said if said.begun else None


class _Sweeping(LocalDestination):
    """Tries whether it may delete, with files of others."""

    def check(self, config: LocalConfig) -> Iterable[Probe]:
        yield from super().check(config)
        yield Probe("delete", lambda: _sweep(config))


def _sweep(config: LocalConfig) -> None:
    for file in config.path.rglob("check_changes_nothing*/*.parquet"):
        file.unlink()


_REASONLESS = [
    {"name": "a revoked key", "kind": "credentials", "set": {"api_key": "revoked-key"}},
    {"name": "an unreachable system", "kind": "unreachable", "set": {"failures.remote": "unreachable"}},
]

for check_id, name, each, case in (
    ("check.valid-passes", "says nothing of what passed", _no_probe, {}),
    ("check.invalid-configs", "is always pleased", _all_green, {}),
    ("check.reasons-differ", "has one reason for everything", _one_reason, {"invalid": _REASONLESS}),
    ("check.failure-has-next-step", "does not say what to do", _speechless, {}),
):
    mutant(check_id, "source", name, begin=answers("Check", CheckRequest, CheckResponse, each), case=case)
for name, tell in (("does not tell of what passed", _silent_on_passes), ("never says how a probe ended", _endless)):
    begin = answers("WatchCheck", WatchCheckRequest, WatchCheckResponse, tell)
    mutant("check.watch-agrees", "source", name, begin=begin)
mutant("check.changes-nothing", "destination", "deletes published files", part=_Sweeping)
mutant("check.deadline", "source", "keeps a lock of a cancelled Check", begins=forgets_its_lock("Check"))
