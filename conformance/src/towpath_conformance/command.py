"""`towpath conformance`: judge a connector. `towpath conformance init`: write the file that it is judged with."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text
from towpath_sdk.errors import Conflict, Misconfigured, Unavailable

from towpath_conformance.actions import ActionFailed
from towpath_conformance.case import Case, load_case
from towpath_conformance.choosing import CheckId, TargetChoice, chosen_checks, target_options
from towpath_conformance.config_template import FILL_IN
from towpath_conformance.explaining import explained, listed, listed_as_json
from towpath_conformance.first_case import first_case
from towpath_conformance.interview import interview, load_config
from towpath_conformance.progress import display_for
from towpath_conformance.registry import CHECKS, Check, Group
from towpath_conformance.reports import Judgement, as_html, as_json, as_junit, as_text
from towpath_conformance.runner import Report, judge
from towpath_conformance.stopping import until_stopped
from towpath_conformance.targets import Target
from towpath_conformance.targets.port import StartFailed

__all__ = ["conformance"]

_CASE_FILE = Path("conformance.yaml")
_WIDE = 4096
"""Columns of a "terminal" that is a file or a pipe: nothing is ever cut or wrapped there."""

_file = click.Path(path_type=Path, dir_okay=False)


@click.group(invoke_without_command=True)
@target_options
@click.option("-i", "--input", "case_file", type=_file, help=f"The case file.  [default: {_CASE_FILE}]")
@click.option("--check", "checks", type=CheckId(), multiple=True, metavar="ID", help="Only this check; repeatable.")
@click.option(
    "--group",
    "groups",
    type=click.Choice([group.value for group in Group]),
    multiple=True,
    help="Only this group; repeatable.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Seed of everything random; a random one by default."
)
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", default=4, help="Checks at a time.  [default: 4]")
@click.option("--quick", is_flag=True, help="Shorten the long checks, for the inner loop.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Format on standard output.")
@click.option("--json", "json_file", type=_file, help="Write the report as JSON too.")
@click.option("--junit", "junit_file", type=_file, help="Write the report as JUnit XML too.")
@click.option("--html", "html_file", type=_file, help="Write the report as one HTML page too.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Show what each check asserts, and every message of those that fail."
)
@click.option("--list", "list_only", is_flag=True, help="List the checks, and judge nothing.")
@click.option("--explain", "explain", type=CheckId(), metavar="ID", help="Explain a check, and judge nothing.")
@click.pass_context
def conformance(
    context: click.Context,
    *,
    target: TargetChoice,
    case_file: Path | None,
    checks: Sequence[Check],
    groups: Sequence[str],
    seed: int | None,
    jobs: int,
    quick: bool,
    output: str,
    json_file: Path | None,
    junit_file: Path | None,
    html_file: Path | None,
    verbose: bool,
    list_only: bool,
    explain: Check | None,
) -> None:
    """Judge a connector, in any language, as a black box over gRPC.

    \b
    towpath conformance init --command 'python my_source.py'
    towpath conformance --command 'python my_source.py'
    towpath conformance --image my-source:1.0 --html report.html --junit report.xml
    towpath conformance --explain read.batch-seq

    `init` writes conformance.yaml, which says how the connector is configured and what it is tried with. A check that
    fails shows the messages exchanged, and the command that repeats it alone.

    \b
    Exit codes: 0 passed; 1 a check failed, was in error, or nothing was judged; 2 wrong usage;
    3 the case file is at fault; 7 the connector cannot be started; 130 interrupted.
    """
    if context.invoked_subcommand is not None:
        context.obj = _Earlier(target, case_file)
        return
    selected = chosen_checks(checks, groups)
    if explain is not None:
        _print(explained(explain))
        return
    if list_only:
        shown = CHECKS.values() if selected is None else selected
        click.echo(listed_as_json(shown)) if output == "json" else _print(listed(shown))
        return
    reports = [
        (file, write)
        for file, write in ((json_file, as_json), (junit_file, as_junit), (html_file, as_html))
        if file is not None
    ]
    _look_at_folders(file for file, _ in reports)
    path = case_file or _CASE_FILE
    judged = target.target()
    case = _quick(load_case(path)) if quick else load_case(path)
    report = _judged(judged, case, selected, secrets.randbelow(2**31) if seed is None else seed, jobs, target.token())
    words = ["towpath", "conformance", *target.words(), "--input", str(path), *(["--quick"] if quick else [])]
    judgement = Judgement(report, words)
    for file, write in reports:
        file.write_text(write(judgement), "utf-8")
    if output == "json":
        click.echo(as_json(judgement), nl=False)
    else:
        _print(as_text(judgement, verbose=verbose))
    context.exit(0 if report.passed else 1)


@conformance.command()
@target_options
@click.option("-i", "--input", "case_file", type=_file, help=f"The file to write.  [default: {_CASE_FILE}]")
@click.option("--config", "config_file", type=_file, help="A configuration that works, as YAML or JSON.")
@click.option("--force", is_flag=True, help="Overwrite the file.")
@click.pass_obj
def init(
    earlier: _Earlier, target: TargetChoice, case_file: Path | None, config_file: Path | None, *, force: bool
) -> None:
    """Write a commented case file, from what the connector says of itself.

    \b
    towpath conformance init --command 'python my_source.py'
    towpath conformance init --command 'python my_source.py' --config config.yaml

    With --config the file has that configuration and the streams that the connector discovers with it. Secrets are
    never written: the environment variable that the file names in their place holds them.
    """
    target = target.over(earlier.target)
    path = case_file or earlier.case_file or _CASE_FILE
    if path.exists() and not force:
        raise Conflict(f"{path} is there already; --force overwrites it", reason="EXISTS")
    _look_at_folders([path])
    given = load_config(config_file) if config_file is not None else None
    try:
        known = until_stopped(interview(target.target(), given))
    except StartFailed as failure:
        raise Unavailable(str(failure), reason="NOT_STARTED") from failure
    words = ["towpath", "conformance", *target.words(), "--input", str(path)]
    text = first_case(known, shlex.join(words))
    path.write_text(text, "utf-8")
    err = _console(stderr=True)
    if known.problem:
        err.print(Text(f"note: no streams are listed, because {known.problem}"), soft_wrap=True)
    complete = "complete the lines marked `fill in`, then run" if f"  {FILL_IN}" in text else "run"
    err.print(Text(f"wrote {path}; {complete}:\n  {shlex.join(words)}"), soft_wrap=True)


@dataclass(frozen=True)
class _Earlier:
    """Options that stood before the subcommand."""

    target: TargetChoice
    case_file: Path | None


def _judged(
    target: Target, case: Case, selected: Sequence[Check] | None, seed: int, jobs: int, token: str | None
) -> Report:
    with display_for(_console(stderr=True), seed) as display:
        running = judge(
            target,
            case,
            checks=selected,
            seed=seed,
            at_once=jobs,
            secrets=[token] if token else [],
            on_plan=display.plan,
            on_begin=display.begin,
            on_verdict=display.end,
        )
        try:
            return until_stopped(running)
        except StartFailed as failure:
            raise Unavailable(str(failure), reason="NOT_STARTED") from failure
        except ActionFailed as failure:
            raise Misconfigured(f"the case file: {failure}", reason="ACTION_FAILED") from failure


def _quick(case: Case) -> Case:
    return case.model_copy(update={"patience": case.patience.quick()})


def _look_at_folders(files: Iterable[Path]) -> None:
    """Find out now, rather than after minutes, that a file cannot be written."""
    for file in files:
        if not file.absolute().parent.is_dir():
            raise click.UsageError(f"there is no folder {file.parent} to write {file.name} to")


def _print(text: Text) -> None:
    _console(stderr=False).print(text, soft_wrap=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDE)
