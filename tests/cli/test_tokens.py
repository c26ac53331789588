"""Tokens and the audit trail from the command line."""

from __future__ import annotations

from pathlib import Path

from cli_prompt import Prompt
from google.protobuf.json_format import ParseDict
from towpath.control.v1.audit_pb2 import ListAuditEventsResponse
from towpath.control.v1.tokens_pb2 import ListTokensResponse, Token, WhoAmIResponse


def test_a_token_lives_from_its_making_to_its_revocation(towpath: Prompt) -> None:
    """The secret goes to standard output once, and is nowhere afterwards."""
    made = towpath.ok("tokens", "create", "cli-ci", "--role", "editor", "--ttl", "30d", "--description", "for CI")
    secret = next(line for line in made.out.splitlines() if line.startswith("towpath_"))
    for line in (["tokens", "list"], ["tokens", "get", "cli-ci"], ["tokens", "revoke", "cli-ci"]):
        done = towpath.ok(*line)
        assert [word for word in ("cli-ci", "editor", "for CI") if word not in done.out] == []
        assert secret not in done.out
    assert "revoked" in towpath.ok("tokens", "get", "cli-ci").out
    found = ParseDict(towpath.ok("tokens", "list", "-o", "json").json, ListTokensResponse())
    assert [token.role for token in found.tokens if token.name == "tokens/cli-ci"] == [Token.ROLE_EDITOR]
    assert "did you mean `cli-ci`" in towpath.fails(5, "tokens", "get", "cli-cy")
    assert "already exists" in towpath.fails(6, "tokens", "create", "cli-ci", "--role", "viewer")


def test_a_secret_goes_into_a_file_that_only_its_owner_reads(towpath: Prompt, tmp_path: Path) -> None:
    """A shell's history and a terminal's scrollback are no places for it."""
    file = tmp_path / "worker.token"
    made = towpath.ok("tokens", "create", "cli-worker", "--role", "worker", "--secret-file", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().startswith("towpath_")
    assert file.read_text().strip() not in made.out + made.err
    said = towpath.fails(6, "tokens", "create", "cli-worker-2", "--role", "worker", "--secret-file", str(file))
    assert "exists" in said
    assert "cli-worker-2" not in towpath.ok("tokens", "list").out
    towpath.fails(6, "tokens", "create", "cli-worker", "--role", "worker", "--secret-file", str(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_who_i_am_and_what_was_changed(towpath: Prompt, counted: str) -> None:
    """On one machine everybody is an admin; the trail tells what they did."""
    seen = ParseDict(towpath.ok("whoami", "-o", "json").json, WhoAmIResponse())
    assert (seen.actor, seen.role, seen.token_required) == ("anonymous", Token.ROLE_ADMIN, False)
    assert "this server asks for no token" in towpath.ok("whoami").out
    table = towpath.ok("audit", "--resource", f"sources/{counted}").out
    assert [word for word in ("WHO", "anonymous", "create", "connector=connectors/numbers") if word not in table] == []
    assert "hunter2" not in table
    trail = ParseDict(towpath.ok("audit", "--limit", "1", "-o", "json").json, ListAuditEventsResponse())
    assert len(trail.events) == 1
    assert "nothing was changed yet" in towpath.ok("audit", "--actor", "tokens/nobody").out
