"""The protocol is nobody's language: connectors that know its protos and its document alone pass the same judgement."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fix_requirements import missing, require_program
from towpath_conformance import CommandTarget, Outcome, judge, load_case

FOLDER = Path(__file__).resolve().parents[1] / "typescript"
REMEDY = "run scripts/system-packages.sh as root"


def run(*command: str) -> None:
    """Run a command beside the connectors; what it says is shown when it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=FOLDER, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def node() -> Path:
    """Node, with the packages of the lock file installed: anew only when the lock file has changed."""
    program = require_program("node", REMEDY)
    require_program("npm", REMEDY)
    locked = b"".join((FOLDER / name).read_bytes() for name in ("package.json", "package-lock.json", ".npmrc"))
    stamp, digest = FOLDER / "node_modules" / ".stamp", hashlib.sha256(locked).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        try:
            run("npm", "ci")
        except (AssertionError, subprocess.TimeoutExpired) as error:
            missing("the packages of tests/typescript/package-lock.json", f"npm cannot install them: {error}")
        stamp.write_text(digest)
    run("npm", "run", "generate")
    return program


@pytest.fixture(scope="module")
def built(node: Path) -> Path:
    """Node, with both connectors bundled into a file each, which starts in a tenth of a second."""
    run("npm", "run", "build")
    return node


def test_types_of_the_connectors_follow_from_the_protos(node: Path) -> None:
    """A change of the protos that breaks connectors in other languages is seen by their compiler first."""
    run("npm", "run", "types")
    run("npm", "run", "lint")


def test_lock_file_of_npm_names_no_registry() -> None:
    """A lock that names hosts would not install behind a mirror."""
    assert '"resolved"' not in (FOLDER / "package-lock.json").read_text()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("role", ["source", "destination"])
async def test_connector_in_typescript_passes(role: str, built: Path, tmp_path: Path) -> None:
    """Nothing fails, and nothing is skipped but what the connector does not claim to do."""
    case = load_case(FOLDER / f"{role}.yaml", {**os.environ, "LINES": str(tmp_path)})
    case = case.model_copy(update={"patience": case.patience.quick()})
    report = await judge(CommandTarget([str(built), str(FOLDER / "dist" / f"{role}.cjs")]), case, seed=7)
    failed = {v.check_id: v.message for v in report.verdicts if v.outcome in (Outcome.FAIL, Outcome.ERROR)}
    skipped = {v.check_id: v.message for v in report.verdicts if v.outcome is Outcome.SKIP}
    assert failed == {}
    assert {check_id for check_id, why in skipped.items() if "does not declare" not in why} == set(), skipped
    assert report.count(Outcome.PASS)
