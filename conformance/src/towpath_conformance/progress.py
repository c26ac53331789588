"""A judgement on its way: a line per group on a terminal, redrawn in place; a few plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from towpath_conformance.registry import Check, Group
from towpath_conformance.reports.judgement import outcomes_text
from towpath_conformance.reports.text import OUTCOME_STYLES
from towpath_conformance.verdicts import Outcome, Verdict

__all__ = ["Display", "display_for"]


class Display(Protocol):
    """Follows a judgement. A context manager that leaves the terminal as it found it."""

    def plan(self, checks: Sequence[Check]) -> None:
        """All that will be judged."""
        ...

    def begin(self, check: Check) -> None:
        """One begins."""
        ...

    def end(self, check: Check, verdict: Verdict) -> None:
        """One has ended."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def display_for(console: Console, seed: int) -> Display:
    """A picture when `console` is a terminal that can draw it, lines otherwise."""
    drawn = console.is_terminal and not console.is_dumb_terminal
    return _Drawn(console, seed) if drawn else _Lines(console, seed)


class _Lines:
    """A line when a check fails, and one when a group is done."""

    def __init__(self, console: Console, seed: int) -> None:
        self._console = console
        self._seed = seed
        self._planned: Sequence[Check] = ()
        self._verdicts: dict[str, Verdict] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self._planned:
            left = len(self._planned) - len(self._verdicts)
            self._say(Text(f"ended early: {outcomes_text(self._verdicts.values())}, {left} not judged"))

    def plan(self, checks: Sequence[Check]) -> None:
        self._planned = checks
        self._say(Text(f"judging by {len(checks)} checks, seed {self._seed}"))

    def begin(self, check: Check) -> None:
        del check

    def end(self, check: Check, verdict: Verdict) -> None:
        self._verdicts[check.id] = verdict
        if verdict.outcome in (Outcome.FAIL, Outcome.ERROR):
            self._say(_broken(verdict))
        mine = [one for one in self._planned if one.group is check.group]
        if all(one.id in self._verdicts for one in mine):
            self._say(Text(f"{check.group.value}: {outcomes_text(self._verdicts[one.id] for one in mine)}"))

    def _say(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)


class _Drawn:
    """A line per group with its bar, its counts and what runs now; failures are written above as they come."""

    def __init__(self, console: Console, seed: int) -> None:
        self._console = console
        self._seed = seed
        self._planned: Sequence[Check] = ()
        self._running: dict[str, Check] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._began = time.monotonic()
        self._live = Live(console=console, refresh_per_second=8, transient=True, get_renderable=self._draw)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.transient = kind is None
        self._live.stop()

    def plan(self, checks: Sequence[Check]) -> None:
        self._planned = checks

    def begin(self, check: Check) -> None:
        self._running[check.id] = check

    def end(self, check: Check, verdict: Verdict) -> None:
        self._running.pop(check.id, None)
        self._verdicts[check.id] = verdict
        if verdict.outcome in (Outcome.FAIL, Outcome.ERROR):
            self._console.print(_broken(verdict), soft_wrap=True)

    def _draw(self) -> RenderableType:
        if not self._planned:
            return Text("starting the connector …", style="dim")
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for width in (None, 20, None, None):
            table.add_column(no_wrap=True, width=width)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for group in Group:
            if mine := [one for one in self._planned if one.group is group]:
                running = ", ".join(one.id.partition(".")[2] for one in self._running.values() if one.group is group)
                table.add_row(group.value, *self._counted(mine), Text(running, style="dim"))
        seconds = time.monotonic() - self._began
        table.add_row(
            Text("total", style="bold"), *self._counted(self._planned), Text(f"{seconds:.0f} s, seed {self._seed}")
        )
        return table

    def _counted(self, checks: Sequence[Check]) -> tuple[RenderableType, RenderableType, RenderableType]:
        ended = [self._verdicts[one.id] for one in checks if one.id in self._verdicts]
        broken = any(verdict.outcome in (Outcome.FAIL, Outcome.ERROR) for verdict in ended)
        style = "red" if broken else "green"
        bar = ProgressBar(len(checks), len(ended), width=20, complete_style=style, finished_style=style)
        return bar, Text(f"{len(ended)}/{len(checks)}"), _counts(ended)


def _counts(verdicts: Sequence[Verdict]) -> Text:
    outcomes = [verdict.outcome for verdict in verdicts]
    parts = [
        Text(f"{outcomes.count(outcome)} {outcome.value.lower()}", style=OUTCOME_STYLES[outcome])
        for outcome in Outcome
        if outcome in outcomes
    ]
    return Text(" ").join(parts)


def _broken(verdict: Verdict) -> Text:
    first = verdict.message.partition("\n")[0]
    return Text(f"{verdict.outcome.value} ", style=OUTCOME_STYLES[verdict.outcome]).append(
        f"{verdict.check_id}: {first}", style="not bold default"
    )
