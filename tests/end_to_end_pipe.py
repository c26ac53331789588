"""A pipe from one PostgreSQL database to one bucket, through a whole Towpath; and what lies at its two ends."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, LiteralString, cast
from urllib.parse import unquote

import pyarrow as pa
from destination_s3_steps import all_keys, content, objects, table
from fix_postgres import Database
from psycopg import sql
from stack import Stack, postgres_config, s3_config
from towpath.connector.v1.types_pb2 import StreamName
from towpath.control.v1.connections_pb2 import Connection, ConnectionStream
from towpath.control.v1.jobs_pb2 import Job, StreamProgress
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_local.embedded.s3 import EmbeddedS3

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

__all__ = ["METADATA", "PREFIX", "Pipe", "Rows", "fresh_pipe", "new_name", "progress_of", "rows_of", "stream"]

PREFIX = "lake"
METADATA = ("_towpath_extracted_at", "_towpath_generation_id", "_towpath_job_id")

Rows = Counter[tuple[Any, ...]]
"""Rows of a table with how often each is there: order says nothing, doubles do."""


@dataclass(frozen=True)
class Pipe:
    """Both ends and what is between them. Every connection made here writes below PREFIX."""

    stack: Stack
    database: Database
    s3: EmbeddedS3
    client: S3Client
    bucket: str
    source: dict[str, Any] = field(default_factory=dict[str, Any])
    """Fields that the source's configuration has beside those of the database."""

    def sql(self, statements: str) -> list[tuple[Any, ...]]:
        """Run statements in the source database, and return the rows of the last one, if it has any."""
        with self.database.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            cursor = connection.execute(sql.SQL(cast("LiteralString", statements)))
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def rows(self, query: str) -> Rows:
        """What SQL says about the source."""
        return Counter(tuple(map(_hashable, row)) for row in self.sql(query))

    def connect(self, *streams: ConnectionStream, connection: Connection | None = None, **destination: Any) -> str:
        """Create source, destination and connection of one new name, and return the connection's resource name.

        `connection` says what else the connection knows; `destination` adds to the destination's configuration.
        """
        name, wanted = new_name(), Connection()
        if connection is not None:
            wanted.CopyFrom(connection)
        wanted.source, wanted.destination = f"sources/{name}", f"destinations/{name}"
        wanted.streams.extend(streams)
        with self.stack.client() as client:
            client.sources.create(name, "source-postgres", {**postgres_config(self.database), **self.source})
            lake = s3_config(self.s3, self.bucket, **{"prefix": PREFIX, **destination})
            client.destinations.create(name, "destination-s3", lake)
            return client.connections.create(name, wanted).name

    def run(self, connection: str, seconds: float = 120) -> Job:
        """Run a connection to its end, whatever becomes of it."""
        return self.stack.sync(connection, seconds)

    def succeed(self, connection: str, seconds: float = 120) -> Job:
        """Run a connection, which must succeed."""
        job = self.run(connection, seconds)
        assert job.state == Job.STATE_SUCCEEDED, self.explain(job)
        return job

    def explain(self, job: Job) -> str:
        """Everything that is known about a job, for a failed assertion."""
        return f"{job}\n{self.log(job)}"

    def log(self, job: Job) -> str:
        """The job's log, a line each."""
        with self.stack.client() as client:
            return "\n".join(
                f"{line.origin}: {line.message} {dict(line.attributes)}" for line in client.jobs.logs(job.name)
            )

    def all_keys(self) -> list[str]:
        """Keys of all visible objects, Towpath's own included."""
        return all_keys(self.client, self.bucket)

    def keys(self, name: str, namespace: str = "public", *, prefix: str = PREFIX) -> list[str]:
        """Keys of the visible objects of one stream, in order."""
        return self.keys_by_stream(prefix).get((namespace, name), [])

    def keys_by_stream(self, prefix: str = PREFIX) -> dict[tuple[str, str], list[str]]:
        """Keys of the visible objects of each stream, in order; a stream is its namespace and name."""
        found: dict[tuple[str, str], list[str]] = {}
        for key in objects(self.client, self.bucket):
            folder, *path = (unquote(part) for part in key.split("/"))
            if folder == prefix:
                found.setdefault((path[0], path[1]), []).append(key)
        return found

    def content(self, key: str) -> bytes:
        """The bytes of an object, decompressed as its name says."""
        return content(self.client, self.bucket, key)

    def lines(self, name: str, *, prefix: str = PREFIX) -> list[str]:
        """All lines of a stream's text files, without their ends."""
        text = b"".join(self.content(key) for key in self.keys(name, prefix=prefix)).decode()
        return text.split("\n")[:-1]  # splitlines() knows more ends than LF

    def read(self, keys: Iterable[str]) -> pa.Table:
        """Read these Parquet objects as one table; columns that an object lacks are NULL in it."""
        tables = [table(self.client, self.bucket, [key]) for key in sorted(keys)]
        return pa.concat_tables(tables, promote_options="permissive")

    def delivered(self, name: str, namespace: str = "public", *, prefix: str = PREFIX) -> pa.Table:
        """Read all visible Parquet of a stream, metadata columns included."""
        return self.read(self.keys(name, namespace, prefix=prefix))

    def found(self, name: str, namespace: str = "public", *, prefix: str = PREFIX) -> Rows:
        """Rows of a stream in all its Parquet, without metadata columns."""
        keys = self.keys(name, namespace, prefix=prefix)
        return rows_of(self.read(keys)) if keys else Counter()


@contextmanager
def fresh_pipe(stack: Stack, postgres: EmbeddedPostgres, s3: EmbeddedS3) -> Generator[Pipe]:
    """A pipe between an empty database and an empty bucket; both go with the `with` block."""
    database, bucket = Database(postgres, f"pipe_{uuid.uuid4().hex[:12]}"), f"pipe-{uuid.uuid4().hex[:12]}"
    postgres.create_database(database.name)
    with closing(s3.client()) as client:
        client.create_bucket(Bucket=bucket)
        try:
            yield Pipe(stack, database, s3, client, bucket)
        finally:
            client.delete_bucket(Bucket=bucket)  # this server removes the objects with it
            postgres.drop_database(database.name)


def rows_of(table: pa.Table) -> Rows:
    """Rows of a table, without metadata columns, in the order of its columns."""
    columns = [table.column(name).to_pylist() for name in table.schema.names if name not in METADATA]
    return Counter(tuple(map(_hashable, row)) for row in zip(*columns, strict=True))


def stream(
    name: str, read: str = "SNAPSHOT", write: str = "UNSPECIFIED", *, namespace: str = "public", **values: Any
) -> ConnectionStream:
    """Select a stream; the write mode is the server's choice unless it is said."""
    return ConnectionStream(
        name=StreamName(namespace=namespace, name=name),
        read_mode=f"READ_MODE_{read}",
        write_mode=f"WRITE_MODE_{write}",
        **values,
    )


def new_name() -> str:
    """A resource id that nobody has."""
    return f"pipe-{uuid.uuid4().hex[:10]}"


def progress_of(job: Job, name: str) -> StreamProgress:
    """The stream of that name in a job."""
    (found,) = [progress for progress in job.streams if progress.name.name == name]
    return found


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, cast("list[Any]", value))) if isinstance(value, list) else value
