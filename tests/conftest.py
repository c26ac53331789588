"""What every test shares: the fixtures of `fix_*.py`, and the rule that nothing is skipped in silence in CI."""

from __future__ import annotations

from pathlib import Path

pytest_plugins = sorted(path.stem for path in Path(__file__).parent.glob("fix_*.py"))
