"""`towpath connector`: start a connector of one's own, and try it out."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from towpath_sdk.catalog import ReadMode, WriteMode
from towpath_sdk.errors import Misconfigured
from towpath_sdk.testing import ConnectorProcess

from towpath_authoring.image import build_image
from towpath_authoring.scaffold import names_of, write_package
from towpath_authoring.trial import asking
from towpath_authoring.trial.printed import printed_lines
from towpath_authoring.trial.reading import Reading, read
from towpath_authoring.trial.showing import JsonLines, Shown, Tables
from towpath_authoring.trial.start import startable, started
from towpath_authoring.trial.writing import Writing, write

__all__ = ["connector"]

_WIDE = 4096
_ROWS = 20


@click.group()
def connector() -> None:
    """Write a connector of your own.

    \b
    towpath connector new source-shop         a package that runs and passes conformance
    towpath connector run ./source-shop read  its rows, checkpoints and logs
    towpath conformance                       the verdict
    towpath connector build ./source-shop     its image
    """


@connector.command()
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to write it.  [default: ./NAME]")
def new(name: str, folder: Path | None) -> None:
    """Write a new connector: NAME is source-SOMETHING or destination-SOMETHING.

    What is written runs, passes conformance, and has its tests, its Dockerfile and its CI file. It works on a folder
    of files; replace that by your system.

    \b
    towpath connector new source-shop
    cd source-shop
    towpath conformance
    """
    names = names_of(name)
    target = folder or Path(names.id)
    files = write_package(names, target)
    for file in files:
        click.echo(f"wrote {file}")
    click.echo(f"next:\n  cd {target}\n  towpath connector run . check\n  towpath conformance")


@connector.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--tag", metavar="NAME", help="Name of the image.  [default: project and version of pyproject.toml]")
@click.option(
    "--base-image",
    metavar="IMAGE",
    envvar="TOWPATH_BASE_IMAGE",
    show_envvar=True,
    help="What it stands on; with the Python version that runs this command.  [default: python:X.Y-slim]",
)
@click.option(
    "--constraint",
    "constraints",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="A file that pins versions, such as requirements.lock; repeatable.",
)
def build(folder: Path, tag: str | None, base_image: str | None, constraints: tuple[Path, ...]) -> None:
    """Build the image of the connector in FOLDER, on the Docker engine that DOCKER_HOST names.

    Its packages are installed and compiled here; its Dockerfile copies them from `site`. The build itself needs no
    network, but for a base image that is not there yet.

    \b
    towpath connector build ./source-shop --tag registry.example.com/source-shop:1
    towpath conformance --image registry.example.com/source-shop:1
    """
    built = build_image(folder, name=tag, base_image=base_image, constraints=constraints)
    size, own = (f"{number / 1e6:.0f} MB" for number in (built.size, built.own_size))
    click.echo(f"built {built.name}, {size}, {own} of it above {built.below}\n{built.id}")


@connector.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.argument("action", type=click.Choice(["spec", "check", "discover", "read", "write"]))
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Its configuration as JSON.  [default: config.json in its folder]",
)
@click.option("--stream", help="read, write: the stream, as NAMESPACE.NAME.  [default: the first, or the input's name]")
@click.option(
    "--mode",
    type=click.Choice(["snapshot", "incremental", "changes", "append", "overwrite", "dedup"]),
    help="read: snapshot, incremental, changes; write: append, overwrite, dedup.  [default: the first of these]",
)
@click.option("--cursor", default="", help="read: the cursor column.")
@click.option("--columns", default="", help="read: these columns only, separated by commas.")
@click.option("--resume", is_flag=True, help="read: continue from the saved state.")
@click.option(
    "--state",
    "state_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="read: where states are saved.  [default: state.json in its folder]",
)
@click.option("--stop-after", type=click.IntRange(1), metavar="ROWS", help="read: drain after so many rows.")
@click.option("--limit", type=click.IntRange(0), metavar="ROWS", help=f"read: show so many rows.  [default: {_ROWS}]")
@click.option(
    "--input",
    "input_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="write: a file of JSON Lines, Parquet or Arrow.",
)
@click.option("--primary-key", default="", help="write: the key's columns, separated by commas; for dedup.")
@click.option("--timeout", type=click.FloatRange(0.1), default=60.0, metavar="SECONDS", help="Bound of each call.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="json: an object a line.")
def run(
    *,
    target: Path,
    action: str,
    config_file: Path | None,
    stream: str | None,
    mode: str | None,
    cursor: str,
    columns: str,
    resume: bool,
    state_file: Path | None,
    stop_after: int | None,
    limit: int | None,
    input_file: Path | None,
    primary_key: str,
    timeout: float,
    output: str,
) -> None:
    """Start the connector at TARGET and ask it for one thing: spec, check, discover, read or write.

    TARGET is a folder whose pyproject.toml names its command, or a Python file. Nothing has to be installed, and no
    Towpath has to run: this command speaks to the connector as the broker would.

    \b
    towpath connector run ./source-shop read --stream orders --mode incremental --cursor updated_at
    towpath connector run ./source-shop read --stream orders --mode incremental --cursor updated_at --resume
    towpath connector run ./destination-lake write --input rows.jsonl --stream orders
    """
    start = startable(target)
    shown: Shown = (
        JsonLines(Console(width=_WIDE, soft_wrap=True), limit)
        if output == "json"
        else Tables(_console(), _ROWS if limit is None else limit)
    )
    with started(start, timeout) as process:
        try:
            if action == "spec":
                asking.spec(process, shown)
                return
            config = _config(config_file or start.folder / "config.json")
            if action == "check":
                asking.check(process, config, shown)
            elif action == "discover":
                asking.discover(process, config, shown)
            elif action == "read":
                reading = Reading(
                    stream=stream,
                    mode=_read_mode(mode),
                    cursor=cursor,
                    columns=_list(columns),
                    state_file=state_file or start.folder / "state.json",
                    resume=resume,
                    stop_after=stop_after,
                )
                read(process, config, reading, shown)
            else:
                write(process, config, _writing(input_file, stream, mode, primary_key), shown)
        finally:
            shown.end()
            _echo_printed(process)


def _writing(input_file: Path | None, stream: str | None, mode: str | None, primary_key: str) -> Writing:
    if input_file is None:
        raise click.UsageError("write needs --input FILE")
    if mode not in (None, "append", "overwrite", "dedup"):
        raise click.UsageError(f"--mode {mode} is for read; a write takes append, overwrite or dedup")
    chosen = WriteMode[(mode or "append").upper()]
    return Writing(input_file, stream or input_file.stem, chosen, tuple(_list(primary_key)))


def _read_mode(mode: str | None) -> ReadMode:
    if mode not in (None, "snapshot", "incremental", "changes"):
        raise click.UsageError(f"--mode {mode} is for write; a read takes snapshot, incremental or changes")
    return ReadMode[(mode or "snapshot").upper()]


def _config(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise Misconfigured(f"cannot read {file}: {error.strerror}; name another one with --config") from error


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _echo_printed(process: ConnectorProcess) -> None:
    """Show what the connector printed, on standard error, where it does not mix with rows."""
    for line in printed_lines(process.output):
        click.echo(click.style(line, dim=True), err=True)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDE)
