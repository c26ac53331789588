"""A job on its way: a bar per stream on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from towpath.control.v1.jobs_pb2 import Job, Progress, StreamProgress

from towpath_cli.names import short_name, stream_text
from towpath_cli.render.jobs import failure_text, job_state, stream_state
from towpath_cli.render.times import span
from towpath_cli.units import bytes_text, count_text

__all__ = ["Display", "LinesDisplay", "LiveDisplay", "display_for"]

_PLAIN_SECONDS = 5.0
_BUSY = (StreamProgress.STATE_RUNNING, StreamProgress.STATE_TRANSFERRED)


class Display(Protocol):
    """Shows a job, picture by picture. A context manager that leaves the terminal as it found it."""

    def show(self, job: Job) -> None:
        """Show how the job stands now."""
        ...

    def note(self, text: str) -> None:
        """Write one line, such as that the connection broke."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def display_for(console: Console) -> Display:
    """Return bars when `console` is a terminal that can draw them, lines otherwise."""
    return LiveDisplay(console) if console.is_terminal and not console.is_dumb_terminal else LinesDisplay(console)


class LiveDisplay:
    """One bar per stream, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._job: Job | None = None
        # Drawn anew at each refresh, so that time passes on the screen while nothing else does.
        self._live = Live(console=console, refresh_per_second=8, transient=False, get_renderable=self._draw)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, job: Job) -> None:
        """Draw all streams; when they are more than fit, those at work first."""
        self._job = job
        self._live.refresh()

    def note(self, text: str) -> None:
        """Write one line above the bars."""
        self._console.print(Text(text, style="yellow"))

    def _draw(self) -> RenderableType:
        return _picture(self._job, max(self._console.height - 4, 4)) if self._job else Text()


class LinesDisplay:
    """A line whenever a stream changes its state, and one for the whole job every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._states: dict[str, StreamProgress.State] = {}
        self._job_state: Job.State | None = None
        self._last_total = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def show(self, job: Job) -> None:
        """Write what changed since the last picture."""
        if job.state != self._job_state:
            self._job_state = job.state
            self.note(f"{short_name(job.name)} {job_state(job.state)}")
        for stream in job.streams:
            name = stream_text(stream.name)
            if stream.state != self._states.get(name, StreamProgress.STATE_PENDING):
                self._states[name] = stream.state
                self.note(_stream_line(name, stream))
        if time.monotonic() - self._last_total >= _PLAIN_SECONDS:
            self._last_total = time.monotonic()
            self.note(f"total {_counts(job.total)}")

    def note(self, text: str) -> None:
        """Write one line."""
        self._console.print(Text(text), soft_wrap=True)


def _stream_line(name: str, stream: StreamProgress) -> str:
    failure = failure_text(stream.failure)
    return f"{name} {stream_state(stream.state)} {_counts(stream.progress)}{f': {failure}' if failure else ''}"


def _counts(progress: Progress) -> str:
    text = f"{count_text(progress.rows_committed)} of {count_text(progress.rows_read)} rows committed"
    text += f", {bytes_text(progress.bytes_read)}"
    return f"{text}, {_rate(progress)}" if progress.rows_per_second >= 1 else text


def _rate(progress: Progress) -> str:
    return f"{count_text(progress.rows_per_second)} rows/s, {bytes_text(progress.bytes_per_second)}/s"


def _picture(job: Job, height: int) -> RenderableType:
    shown = _most_interesting(job, height)
    table = Table(box=None, show_header=True, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("STREAM", overflow="ellipsis", no_wrap=True, max_width=40)
    table.add_column("", min_width=12, max_width=30)
    for header in ("ROWS", "BYTES", "ROWS/S", "BYTES/S"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("STATE", no_wrap=True, overflow="ellipsis")
    for stream in shown:
        table.add_row(
            stream_text(stream.name),
            _bar(stream),
            count_text(stream.progress.rows_read),
            bytes_text(stream.progress.bytes_read),
            *_rates(stream.progress, moving=stream.state in _BUSY),
            _state(stream),
        )
    hidden = len(job.streams) - len(shown)
    if hidden:
        table.add_row(Text(f"and {hidden} more", style="dim"), *[""] * 6)
    total = job.total
    table.add_row(
        Text("total", style="bold"),
        Text(span(job.start_time, job.end_time), style="dim"),
        Text(count_text(total.rows_read), style="bold"),
        Text(bytes_text(total.bytes_read), style="bold"),
        *_rates(total, moving=job.state == Job.STATE_RUNNING),
        job_state(job.state),
    )
    return Group(table)


def _most_interesting(job: Job, height: int) -> list[StreamProgress]:
    """All streams in their order when they fit; otherwise those that failed or move, filled up with others."""
    if len(job.streams) <= height:
        return list(job.streams)
    ranks = {StreamProgress.STATE_FAILED: 0, StreamProgress.STATE_RUNNING: 1, StreamProgress.STATE_TRANSFERRED: 2}
    ranked = sorted(range(len(job.streams)), key=lambda index: (ranks.get(job.streams[index].state, 3), index))
    return [job.streams[index] for index in sorted(ranked[: height - 1])]


def _bar(stream: StreamProgress) -> RenderableType:
    read = stream.progress.rows_read
    done = stream.state in (StreamProgress.STATE_TRANSFERRED, StreamProgress.STATE_SUCCEEDED)
    if done:
        return ProgressBar(total=1, completed=1)
    if stream.state == StreamProgress.STATE_RUNNING and not stream.HasField("estimated_rows"):
        return ProgressBar(total=None, pulse=True)
    # An estimate may be too low; a bar that waits at its end would look done.
    expected = max(stream.estimated_rows, read + 1 if stream.state == StreamProgress.STATE_RUNNING else 1)
    return ProgressBar(total=float(expected), completed=float(read))


def _rates(progress: Progress, *, moving: bool) -> tuple[str, str]:
    if not moving:
        return "", ""
    return count_text(progress.rows_per_second), bytes_text(progress.bytes_per_second)


def _state(stream: StreamProgress) -> Text:
    failure = failure_text(stream.failure)
    state = stream_state(stream.state)
    return Text.assemble(state, f" {failure}") if failure else state
