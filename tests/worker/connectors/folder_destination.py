# ruff: noqa: ARG002 - the signatures are the SDK's
"""A destination that writes JSON Lines into a folder, and keeps every promise of the protocol.

    folder/.staging/<write>/<writer>/epoch        the newest epoch; lower ones are fenced
    folder/.staging/<write>/<writer>/<commit>     rows of one commit, complete and synced before its receipt is given
    folder/<stream>/<generation>-<write>-<writer>-<commit>.jsonl   what is published

Publication is a rename per commit, so that repeating it is harmless.
"""

from __future__ import annotations

from towpath_sdk import lean

# isort: split
import json
import os
import shutil
import signal
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
from towpath_sdk import (
    Batch,
    ColumnPlan,
    Committed,
    Config,
    Context,
    Destination,
    Fenced,
    Fit,
    Misconfigured,
    OpenWrite,
    Probe,
    Secret,
    WriteMode,
    WriteStream,
    serve,
)


class Folder(Config):
    """Where to write, and what to break."""

    folder: str
    seconds_per_batch: float = 0.0
    die_after_rows: int = 0
    """Kill this process, once, after so many rows."""
    seconds_in_complete: float = 0.0
    """Pause of a publication after its first rename."""
    die_in_complete: bool = False
    """Kill this process, once, in the middle of a publication."""
    miscount: bool = False
    impossible: str = ""
    lossy: str = ""
    refuses: str = ""
    password: Secret | None = None


class FolderDestination(Destination[Folder]):
    """Writes JSON Lines."""

    write_modes = (WriteMode.APPEND, WriteMode.OVERWRITE)
    discards_after_resume = True

    def check(self, config: Folder) -> Iterable[Probe]:
        """Try whether the folder can be made."""
        yield Probe("folder", lambda: Path(config.folder).mkdir(parents=True, exist_ok=True))

    def prepare(
        self,
        config: Folder,
        write_id: str,
        streams: Sequence[WriteStream],
        schemas: Sequence[pa.Schema],
        *,
        dry_run: bool,
    ) -> Iterable[ColumnPlan]:
        """Plan the columns that the test wants to be impossible or lossy."""
        for stream in streams:
            if stream.name.name == config.refuses:
                raise Misconfigured(f"{stream.name} is not welcome here")
        for index, schema in enumerate(schemas):
            for name in schema.names:
                if name == config.impossible:
                    yield ColumnPlan(index, name, name, Fit.IMPOSSIBLE, "folders do not like it")
                if name == config.lossy:
                    yield ColumnPlan(index, name, name, Fit.LOSSY, "loses its flavour")

    def location(self, config: Folder, stream: WriteStream, schema: pa.Schema) -> str:
        """Every file of the stream."""
        return f"{config.folder}/{stream.name}/….jsonl"

    def open(self, config: Folder, write: OpenWrite, context: Context) -> FolderWriter:
        """Fence, discard, and go on."""
        return FolderWriter(config, write)

    def complete(
        self, config: Folder, write_id: str, receipts: Sequence[bytes], completed_streams: Sequence[WriteStream]
    ) -> None:
        """Rename what the receipts name, discard the rest, remove older generations."""
        folder = Path(config.folder)
        for position, receipt in enumerate(receipts):
            facts = json.loads(receipt)
            target = folder / facts["target"]
            target.parent.mkdir(parents=True, exist_ok=True)
            staged = folder / facts["staged"]
            if staged.exists():
                staged.rename(target)
            if position == 0:
                time.sleep(config.seconds_in_complete)
            if position == 0 and config.die_in_complete and once(folder, "died-in-complete"):
                os.kill(os.getpid(), signal.SIGKILL)
        self.abort(config, write_id)
        for stream in completed_streams:
            for path in (folder / str(stream.name)).glob("*.jsonl"):
                if int(path.name.split("-")[0]) < stream.minimum_generation_id:
                    path.unlink()

    def abort(self, config: Folder, write_id: str) -> None:
        """Discard what is staged."""
        shutil.rmtree(Path(config.folder) / ".staging" / write_id, ignore_errors=True)


class FolderWriter:
    """Writes one stream."""

    def __init__(self, config: Folder, write: OpenWrite) -> None:
        self._config = config
        self._root = Path(config.folder)
        self._write = write
        self._stage = self._root / ".staging" / write.write_id / write.writer_id
        self._stage.mkdir(parents=True, exist_ok=True)
        self._epoch_file = self._stage / "epoch"
        if self._epoch_file.exists() and int(self._epoch_file.read_text()) > write.epoch:
            raise Fenced("a newer epoch writes here")
        self._epoch_file.write_text(str(write.epoch))
        leftovers = [p for p in self._stage.glob("[0-9]*") if int(p.name.split(".")[0]) > write.resume_after_commit_seq]
        for path in leftovers:
            path.unlink()
        self.discarded = len(leftovers)
        self._commit_seq = write.resume_after_commit_seq
        self._rows = 0
        self._total = 0
        self._file = self._part().open("w")

    def write(self, batch: Batch) -> None:
        """Append rows."""
        if self._config.seconds_per_batch:
            time.sleep(self._config.seconds_per_batch)
        for row in batch.records.to_pylist():
            self._file.write(json.dumps(row) + "\n")
        self._rows += batch.records.num_rows
        self._total += batch.records.num_rows
        if 0 < self._config.die_after_rows <= self._total and once(self._root, "died"):
            os.kill(os.getpid(), signal.SIGKILL)

    def commit(self, commit_seq: int) -> Committed:
        """Sync the file and name it."""
        if int(self._epoch_file.read_text()) != self._write.epoch:
            raise Fenced("a newer epoch writes here")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        final = self._stage / str(commit_seq)
        self._part().rename(final)
        stream = self._write.streams[0]
        name = f"{stream.generation_id:06}-{self._write.write_id}-{self._write.writer_id}-{commit_seq:06}.jsonl"
        target = f"{stream.name}/{name}"
        receipt = json.dumps({"staged": str(final.relative_to(self._root)), "target": target}).encode()
        rows = self._rows + (1 if self._config.miscount else 0)
        self._commit_seq, self._rows = commit_seq, 0
        self._file = self._part().open("w")
        return Committed(receipt, {0: rows})

    def close(self) -> None:
        """Discard what is not committed."""
        self._file.close()
        self._part().unlink(missing_ok=True)

    def _part(self) -> Path:
        return self._stage / f"{self._commit_seq + 1}.part"


def once(folder: Path, name: str) -> bool:
    """True the first time, over all processes that share the folder."""
    marks = folder / ".marks"
    marks.mkdir(parents=True, exist_ok=True)
    try:
        (marks / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


if __name__ == "__main__":
    lean.loaded()
    serve(FolderDestination())
