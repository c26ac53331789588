"""The demo from its first server to its last line."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text
from towpath.control.v1.jobs_pb2 import Job
from towpath_cli.client import Client
from towpath_cli.names import stream_text
from towpath_cli.render.changes import change_text
from towpath_cli.render.jobs import outcome
from towpath_cli.target import Target
from towpath_cli.units import bytes_text, count_text

from towpath_local.demo.checksums import lake_fingerprint, source_fingerprint
from towpath_local.demo.containers import open_containers
from towpath_local.demo.contents import change, is_loaded, load
from towpath_local.demo.lake import open_lake
from towpath_local.demo.pipeline import CONNECTION, PREFIX, apply_pipeline, follow, unfinished_job
from towpath_local.demo.report import Comparison, comparison_table, movement_text
from towpath_local.demo.shop import TABLES
from towpath_local.demo.stage import BUCKET, DATABASE, Stage, open_stage

__all__ = ["play"]


def play(root: Path, console: Console, *, scale: float, keep_running: bool, images: Path | None = None) -> int:
    """Run the demo in the folder `root` and return its exit code: 0 only when source and destination agree.

    `scale` is the size of the shop, if it is not there yet. With `images`, the folder of the connectors, these run in
    containers. All servers are stopped at the end, also when something
    fails on the way. Raises what the parts raise.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        containers = None
        if images is not None:
            with _step(console, "Building the connectors' images"):
                containers = stack.enter_context(open_containers(root, images))
        with _step(console, "Starting PostgreSQL and an S3 server"):
            stage = stack.enter_context(open_stage(root, containers))
        changed = _prepare_shop(stage, console, scale)
        with _step(console, "Starting Towpath: Temporal, server, worker, connectors"):
            address = stage.endpoint().address
        client = stack.enter_context(Client(Target(address)))
        with _step(console, f"Applying {root / 'pipeline.yaml'} through the API"):
            changes = apply_pipeline(client, stage)
        for applied in changes:
            console.print(Text("    ").append(change_text(applied, dry_run=False).split("\n")[0]))
        jobs = _sync(client, console, everything=changed is None)
        if jobs[-1].state != Job.STATE_SUCCEEDED:
            console.print(f"The sync did not succeed; logs are in {stage.towpath_folder / 'logs'}", style="bold red")
            return 1
        with _step(console, "Reading the Parquet files back with DuckDB and comparing checksums"):
            comparisons, files = _compare(stage, jobs, changed)
        console.print()
        console.print(comparison_table(comparisons))
        console.print()
        agree = all(comparison.agrees for comparison in comparisons)
        _conclude(console, comparisons, files, agree=agree, seconds=time.monotonic() - began)
        if keep_running:
            _wait(console, stage)
        with _step(console, "Stopping everything"):
            stack.close()
    if agree:
        _suggest(console, root)
    return 0 if agree else 1


def _prepare_shop(stage: Stage, console: Console, scale: float) -> dict[str, int] | None:
    """Load the database, or change it when it is there; return how many rows of each table changed, None for all."""
    with stage.postgres.connect(DATABASE) as connection:
        if not is_loaded(connection):
            with _step(console, "Loading a shop's database: customers, products, orders, items, events"):
                rows = load(connection, scale)
            console.print(f"    {count_text(rows)} rows in {len(TABLES)} tables")
            return None
        with _step(console, "The shop is there already: a day passes in it"):
            changed = change(connection)
        console.print(
            f"    prices and customers changed, orders were closed, others were placed: "
            f"{count_text(sum(changed.values()))} rows"
        )
        return changed


def _sync(client: Client, console: Console, *, everything: bool) -> list[Job]:
    """Run a job to its end, after the one that an interrupted run has left, if there is one; return both."""
    jobs: list[Job] = []
    if (left := unfinished_job(client)) is not None:
        console.print("  An interrupted run has left a job, which goes on from its last commit")
        jobs.append(follow(client, console, left))
        console.print(f"  {outcome(jobs[-1])}")
    console.print(f"  Syncing {CONNECTION}: {'everything, for the first time' if everything else 'what is new'}")
    jobs.append(follow(client, console, client.connections.sync(CONNECTION)))
    console.print(f"  {outcome(jobs[-1])}")
    return jobs


def _compare(stage: Stage, jobs: list[Job], changed: dict[str, int] | None) -> tuple[list[Comparison], str]:
    moved: Counter[str] = Counter()
    for job in jobs:
        moved.update({stream_text(stream.name): stream.progress.rows_committed for stream in job.streams})
    with stage.postgres.connect(DATABASE) as connection, open_lake(stage.s3, BUCKET, PREFIX) as lake:
        comparisons = [
            Comparison(
                table,
                source_fingerprint(connection, table),
                lake_fingerprint(lake.sql, table),
                None if changed is None else changed[table.name],
                moved[table.stream],
            )
            for table in TABLES
        ]
        return comparisons, f"{lake.files} Parquet files, {bytes_text(lake.size)}"


def _conclude(console: Console, comparisons: list[Comparison], files: str, *, agree: bool, seconds: float) -> None:
    console.print(movement_text(comparisons))
    appended = [one for one in comparisons if one.lake.versions > one.lake.latest.rows]
    if appended:
        console.print(
            f"The lake keeps every version of a row that changed ({', '.join(one.table.name for one in appended)}); "
            f"compared is the latest."
        )
    console.print(f"{files}; {seconds:.0f} s since the start.")
    if agree:
        console.print("Source and destination agree, row by row.", style="bold green")
    else:
        names = ", ".join(one.table.name for one in comparisons if not one.agrees)
        console.print(f"Source and destination differ in {names}.", style="bold red")


def _wait(console: Console, stage: Stage) -> None:
    """Leave everything up until Ctrl-C."""
    postgres = stage.postgres
    console.print(f"""
Everything is up. In another terminal:
    export TOWPATH_HOME={stage.towpath_folder}
    towpath connections list
    towpath connections state {CONNECTION}
    towpath sync {CONNECTION} --follow
    towpath jobs list --limit 1            then: towpath logs JOB
    psql -h {postgres.host} -p {postgres.port} -U {postgres.user} {DATABASE}
                                           its password is in {postgres.directory / "password"}
Press Ctrl-C here to stop.""")
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print()


def _suggest(console: Console, root: Path) -> None:
    console.print(f"""
What to try next:
    make demo                              again: a day passes in the shop, and only what changed is moved
    make demo DEMO_ARGS=--keep-running     leave it up, and use the command line: towpath --help
    less {root / "pipeline.yaml"}          what was applied; write your own, then: towpath up, towpath apply -f
    make demo DEMO_ARGS=--reset            start anew (everything is in {root})""")


@contextmanager
def _step(console: Console, text: str) -> Generator[None]:
    """Say what is being done, and how long it took."""
    began = time.monotonic()
    console.print(f"  {text} …", end="" if console.is_terminal else "\n")
    yield
    took = f"{time.monotonic() - began:.1f} s"
    console.print(f" {took}" if console.is_terminal else f"    {took}")
