"""What the demo creates through the public API: the same pipeline file that a user would write and apply."""

from __future__ import annotations

from collections.abc import Mapping

import yaml
from rich.console import Console
from towpath.control.v1.jobs_pb2 import Job
from towpath_cli.client import Client
from towpath_cli.client.jobs import TERMINAL
from towpath_cli.manifest.carry_out import carry_out
from towpath_cli.manifest.plan import Change, plan
from towpath_cli.manifest.read import read_manifest
from towpath_cli.render.progress import display_for

from towpath_local.demo.shop import TABLES, Table
from towpath_local.demo.stage import BUCKET, DATABASE, Stage

__all__ = ["CONNECTION", "PREFIX", "apply_pipeline", "follow", "unfinished_job"]

CONNECTION = "shop"
PREFIX = "raw"


def apply_pipeline(client: Client, stage: Stage) -> list[Change]:
    """Write `pipeline.yaml`, and create or change what it describes; return what was done."""
    file = stage.root / "pipeline.yaml"
    file.write_text(_pipeline(stage), encoding="utf-8")
    changes = plan(client, read_manifest([str(file)], _secrets(stage)))
    return [carry_out(client, change) for change in changes]


def unfinished_job(client: Client) -> Job | None:
    """Return the job that an interrupted run has left, which goes on by itself."""
    return next((job for job in client.jobs.all(CONNECTION, 1) if job.state not in TERMINAL), None)


def follow(client: Client, console: Console, job: Job) -> Job:
    """Show the progress of a job, and return it at its end."""
    with display_for(console) as display:
        for picture in client.jobs.watch(job.name, lambda error, _: display.note(error.message)):
            display.show(picture)
            job = picture
    return job


def _pipeline(stage: Stage) -> str:
    documents: list[object] = [
        {"kind": "connector", "name": f"{name}-image", "image": image} for name, image in stage.images.items()
    ]
    suffix = "-image" if stage.images else ""
    documents += [
        {
            "kind": "source",
            "name": "shop-db",
            "connector": f"source-postgres{suffix}",
            "config": {
                "host": stage.postgres.host,
                "port": stage.postgres.port,
                "database": DATABASE,
                "user": stage.postgres.user,
                "password": "${SHOP_PASSWORD}",
                "sslmode": "disable",
                "schemas": ["shop"],
            },
        },
        {
            "kind": "destination",
            "name": "lake",
            "connector": f"destination-s3{suffix}",
            "config": {
                "bucket": BUCKET,
                "prefix": PREFIX,
                "region": stage.s3.region,
                "endpoint": stage.s3.endpoint,
                "path_style": True,
                "access_key_id": "${LAKE_ACCESS_KEY}",
                "secret_access_key": "${LAKE_SECRET_KEY}",
            },
        },
        {
            "kind": "connection",
            "name": CONNECTION,
            "source": "shop-db",
            "destination": "lake",
            "streams": [_stream(table) for table in TABLES],
            "schedule": "manual",
        },
    ]
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)


def _stream(table: Table) -> object:
    if table.cursor is None:
        return table.stream
    return {"name": table.stream, "read": "incremental", "write": "append", "cursor": table.cursor}


def _secrets(stage: Stage) -> Mapping[str, str]:
    return {
        "SHOP_PASSWORD": stage.postgres.password,
        "LAKE_ACCESS_KEY": stage.s3.access_key,
        "LAKE_SECRET_KEY": stage.s3.secret_key,
    }
