"""The name under which Temporal notes which code took a step of a workflow."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from towpath_worker import workflows
from towpath_worker.build_id import build_id


def test_the_same_code_has_the_same_name_and_other_workflows_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise nobody could tell from a history which release had decided."""
    before = build_id()
    copy = Path(shutil.copytree(workflows.__path__[0], tmp_path / "workflows"))
    monkeypatch.setattr(workflows, "__path__", [str(copy)])
    assert build_id() == before
    with (copy / "sync.py").open("a") as code:
        code.write("# changed\n")
    assert build_id() != before
