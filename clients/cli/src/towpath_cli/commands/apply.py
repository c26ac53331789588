"""`towpath apply`."""

from __future__ import annotations

import os

import click

from towpath_cli.manifest.carry_out import carry_out
from towpath_cli.manifest.plan import plan
from towpath_cli.manifest.read import read_manifest
from towpath_cli.render.changes import change_text, changes_value, summary_text
from towpath_cli.render.messages import show_value
from towpath_cli.session import Session, with_session

__all__ = ["apply"]


@click.command()
@click.option("-f", "--file", "files", required=True, multiple=True, metavar="FILE",
              help="Pipeline file; - reads standard input. Repeatable.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@with_session
def apply(session: Session, *, files: tuple[str, ...], dry_run: bool) -> None:
    """Create or change what a file describes, and show the difference. Applying a file twice changes nothing.

    ${VARIABLE} is replaced from the environment, so that secrets stay out of the file. What a connection leaves out
    is left as it is; `config` is always whole. Nothing is ever deleted.

    \b
    kind: source
    name: shop-db
    connector: source-postgres
    config: {host: db.example.com, database: shop, user: towpath, password: "${SHOP_PASSWORD}"}
    ---
    kind: destination
    name: lake
    connector: destination-s3
    config: {bucket: lake, region: eu-central-1}
    ---
    kind: connection
    name: shop
    source: shop-db
    destination: lake
    schedule: {every: 15m}           # or {cron: "0 3 * * *", time_zone: Europe/Amsterdam}, or manual
    streams:
      - public.products              # every row, each time
      - {name: public.orders, read: incremental, cursor: updated_at}
    """
    wanted = read_manifest(files, os.environ)
    with session.client() as client:
        changes = plan(client, wanted)
        if not dry_run:
            for index, change in enumerate(changes):
                changes[index] = carry_out(client, change)
                if session.output == "table":
                    session.out.print(change_text(changes[index], dry_run=False), soft_wrap=True)
    if session.output != "table":
        show_value(session, changes_value(changes, dry_run=dry_run))
        return
    if dry_run:
        for change in changes:
            session.out.print(change_text(change, dry_run=True), soft_wrap=True)
    session.out.print(summary_text(changes, dry_run=dry_run))
