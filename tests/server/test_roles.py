"""Who may call what: every method, as every role, and without a token."""

from __future__ import annotations

from dataclasses import replace

import grpc
import pytest
from access_tokens import ADMIN, ROLES, WORKER, bearer, make_every_role
from grpc import aio
from server_bench import Bench
from server_methods import code_of, methods
from towpath_sdk.errors import Bug
from towpath_server.api.rules import RULES, check_rules

OUTSIDE = ("grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection")
SEEN_BY_ALL = ("Get", "List", "Watch", "Tail")
REACHING_OUT = "WatchCheck"
"""Begins what it watches."""
WITH_POWER = ("ConnectorService", "TokenService", "AuditService")


def wanted_roles(service: str, method: str) -> set[str]:
    """Say, from nothing but the names, which roles a method should be open to."""
    if service.startswith("towpath.runtime."):
        return {"worker"}
    if method == "WhoAmI":
        return set(ROLES)
    kind = service.rpartition(".")[2]
    looks = method.startswith(SEEN_BY_ALL) and not method.startswith(REACHING_OUT)
    if kind in ("TokenService", "AuditService") or (kind in WITH_POWER and not looks):
        return {"admin"}
    return {"viewer", "editor", "admin"} if looks else {"editor", "admin"}


async def test_every_method_is_open_to_the_roles_that_its_name_says_and_to_no_other(sqlite_bench: Bench) -> None:
    """One wrong line in the table of rules would let a viewer delete, or a worker make tokens."""
    api = await sqlite_bench.start(replace(sqlite_bench.settings, users=(ADMIN,), workers=(WORKER,)))
    secrets = await make_every_role(api)
    wrong: list[str] = []
    for method in methods():
        service = method.containing_service.full_name
        if await code_of(api.channel, method) != grpc.StatusCode.UNAUTHENTICATED:
            wrong.append(f"{method.name} without a token")
        for role in ROLES:
            code = await code_of(api.channel, method, metadata=bearer(secrets[role]))
            refused = code in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
            if refused == (role in wanted_roles(service, method.name)):
                wrong.append(f"{method.name} as {role}: {code.name}")
    assert wrong == []


def test_every_method_has_a_rule_and_every_rule_a_method() -> None:
    """A method that somebody adds is nobody's until its rule is written: this fails first."""
    served = {f"/{method.containing_service.full_name}/{method.name}" for method in methods()}
    ours = {name for name in RULES if name.split("/")[1] not in OUTSIDE}
    assert ours == served


def test_server_with_a_method_without_a_rule_does_not_start() -> None:
    """Also where no test ran."""
    with pytest.raises(Bug, match="JobService/EraseJob"):
        check_rules([*RULES, "/towpath.control.v1.JobService/EraseJob"])


async def test_method_without_a_rule_is_served_to_nobody(sqlite_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgetting must close a door, not open it: also for admins, and where no token is asked for."""
    open_to_all = await sqlite_bench.start()
    listing = next(method for method in methods() if method.name == "ListSources")
    assert await code_of(open_to_all.channel, listing) == grpc.StatusCode.OK
    without = {name: rule for name, rule in RULES.items() if not name.endswith("/ListSources")}
    monkeypatch.setattr("towpath_server.api.guard.RULES", without)
    assert await code_of(open_to_all.channel, listing) == grpc.StatusCode.INTERNAL


async def test_refusal_names_the_role_that_is_missing(sqlite_bench: Bench) -> None:
    """Whose problem, and what next: another token."""
    api = await sqlite_bench.start(replace(sqlite_bench.settings, users=(ADMIN,), workers=(WORKER,)))
    viewer = (await make_every_role(api))["viewer"]
    method = next(method for method in methods() if method.name == "DeleteSource")
    with pytest.raises(aio.AioRpcError, match="tokens/a-viewer has the role viewer; this takes editor or admin"):
        await api.channel.unary_unary("/towpath.control.v1.SourceService/DeleteSource")(b"", metadata=bearer(viewer))
    assert await code_of(api.channel, method, metadata=bearer(viewer)) == grpc.StatusCode.PERMISSION_DENIED
