"""A connector to try the command with, in a process of its own: good, or with a defect.

Run as `python conformance_program.py [DEFECT]`, with TOWPATH_LISTEN set as for any connector. It reads the lines of a
file, and wants a password that it never looks at.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import grpc
import pyarrow as pa
from conformance_mutants.proxy import Begin, Ending, Relayed, relay
from pydantic import Field, FilePath
from towpath.connector.v1 import source_pb2
from towpath_sdk import Checkpoint, Config, Context, ReadMode, ReadStream, Record, Secret, Source, Stream, serve
from towpath_sdk._serve.identity import connector_of
from towpath_sdk._serve.server import ConnectorServer
from towpath_sdk._serve.settings import Settings


class Lines(Config):
    """Where the lines are."""

    path: FilePath = Field(description="File to read.")
    password: Secret = Field(description="What the file would be locked with.")
    limit: int = Field(default=1000, ge=1, description="Most lines that are read.")


class LineSource(Source[Lines]):
    """Yields the lines of a file."""

    connector_id = "com.example.source-lines"
    version = "1.2.3"
    title = "Lines"

    def discover(self, config: Lines) -> Iterator[Stream]:
        """There is one stream."""
        del config
        yield Stream("lines", pa.schema({"line": pa.string()}), read_modes=[ReadMode.SNAPSHOT])

    def read(self, config: Lines, stream: ReadStream, context: Context) -> Iterator[Record | Checkpoint]:
        """Yield a row per line."""
        del stream, context
        for number, line in enumerate(config.path.read_text().splitlines()[: config.limit]):
            yield {"line": line}
            if number % 100 == 0:
                yield Checkpoint({"line": number})


class _OpensTwice(Relayed):
    async def response(self, raw: bytes) -> Iterable[bytes]:
        opened = source_pb2.ReadResponse.FromString(raw).WhichOneof("message") == "opened"
        return (raw, raw) if opened else (raw,)


class _Tattles(Relayed):
    """Puts the password, and what no report may take for markup, into the place of a refusal."""

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        if ending[0] is grpc.StatusCode.FAILED_PRECONDITION:
            ending = (grpc.StatusCode.INTERNAL, f"<b>{os.environ['LINES_PASSWORD']}</b> & \x1b[31m", ())
        return (), ending


class _Hangs(Relayed):
    """Never sends a schema, so that a Read neither goes on nor ends."""

    async def response(self, raw: bytes) -> Iterable[bytes]:
        if source_pb2.ReadResponse.FromString(raw).WhichOneof("message") == "schema":
            await asyncio.sleep(3600)
        return (raw,)


def _begin(method: str, wanted: str, kind: Callable[[], Relayed]) -> Relayed:
    return kind() if method == wanted else Relayed()


RELAYED: dict[str, Begin] = {
    "opens-twice": lambda method: _begin(method, "Read", _OpensTwice),
    "tattles": lambda method: _begin(method, "Handshake", _Tattles),
    "hangs": lambda method: _begin(method, "Read", _Hangs),
}


async def _serve_relayed(begin: Begin, token: str) -> None:
    with tempfile.TemporaryDirectory(prefix="towpath-") as folder:
        inner = f"unix:{folder}/inner"
        server = ConnectorServer(connector_of(LineSource()), Settings(listen=inner, token=token))
        await server.start()
        async with relay(os.environ["TOWPATH_LISTEN"], inner, begin):
            await asyncio.sleep(3600)


def main(defect: str) -> None:
    if defect in RELAYED:
        asyncio.run(_serve_relayed(RELAYED[defect], Path(os.environ["TOWPATH_TOKEN_FILE"]).read_text()))
    elif defect == "ends":
        sys.stdout.write(f"cannot find my keys, the password is {os.environ['LINES_PASSWORD']}\n")
        sys.exit(4)
    else:
        serve(LineSource(), argv=[])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "good")
