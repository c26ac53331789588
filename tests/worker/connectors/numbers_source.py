"""A source that counts: streams `numbers0`, `numbers1`, ... of rows whose values follow from their position.

Rows travel in batches with a checkpoint after every few of them, so that a read can continue anywhere. What the tests
break is configured: dying once in the middle, failing, losing its position, or being slow.
"""

from __future__ import annotations

from towpath_sdk import lean

# isort: split
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from towpath_sdk import (
    Checkpoint,
    Config,
    Context,
    PositionLost,
    ReadMode,
    ReadStream,
    Record,
    Secret,
    Source,
    Stream,
    TowpathError,
    errors,
    serve,
)


class Numbers(Config):
    """What to count, and what to break."""

    streams: int = 1
    rows: int = 1000
    batch_rows: int = 100
    checkpoint_batches: int = 1
    width: int = 0
    """Bytes of ballast per row."""
    seconds_per_batch: float = 0.0
    hurry: str = ""
    """A file: once it is there, no batch takes its seconds any more."""
    die_after_rows: int = 0
    """Kill this process, once per `scratch` folder, after so many rows of the first stream."""
    fail_stream: int = -1
    fail_kind: str = "BadRecord"
    lose_position_once: bool = False
    columns: int = 1
    scratch: str = ""
    password: Secret | None = None


class NumbersSource(Source[Numbers]):
    """Counts."""

    deterministic_replay = True

    def discover(self, config: Numbers) -> Iterator[Stream]:
        """One stream per number."""
        for index in range(config.streams):
            yield Stream(
                f"numbers{index}",
                schema(config),
                primary_key=["n"],
                read_modes=[ReadMode.SNAPSHOT, ReadMode.INCREMENTAL],
                cursor_columns=["n"],
                estimated_rows=config.rows,
            )

    def read(self, config: Numbers, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Yield batches from the state's position on."""
        index = int(stream.name.name.removeprefix("numbers"))
        position = int(str(stream.state["next"])) if isinstance(stream.state, dict) else 0
        if config.lose_position_once and position and once(config, f"lost{index}"):
            raise PositionLost("the bookmark is gone")
        context.log("info", "counting", start=position, password=_password(config))
        batches = 0
        while position < config.rows:
            if context.draining:
                return
            count = min(config.batch_rows, config.rows - position)
            yield batch(config, index, position, count)
            position += count
            batches += 1
            if config.seconds_per_batch and not (config.hurry and Path(config.hurry).exists()):
                context.wait(config.seconds_per_batch)
            if batches % config.checkpoint_batches == 0 and position < config.rows:
                yield Checkpoint({"next": position})
            if index == 0 and 0 < config.die_after_rows <= position and once(config, "died"):
                time.sleep(0.3)  # what was yielded should be on its way
                os.kill(os.getpid(), signal.SIGKILL)
            if index == config.fail_stream and position * 2 >= config.rows:
                raise failure(config.fail_kind, f"row {position} is broken, {_password(config)}")
        yield Checkpoint({"next": position})


def schema(config: Numbers) -> pa.Schema:
    """Columns n, stream, text, and as many more as configured."""
    more = [(f"extra{number}", pa.int64()) for number in range(1, config.columns)]
    return pa.schema([("n", pa.int64()), ("stream", pa.int32()), ("text", pa.string()), *more])


def batch(config: Numbers, index: int, start: int, count: int) -> pa.RecordBatch:
    """Rows `start` to `start + count` of one stream."""
    numbers = list(range(start, start + count))
    ballast = "-" + "x" * config.width if config.width else ""
    columns: dict[str, list[int] | list[str]] = {
        "n": numbers,
        "stream": [index] * count,
        "text": [f"{number}{ballast}" for number in numbers],
    }
    columns |= {f"extra{number}": numbers for number in range(1, config.columns)}
    return pa.RecordBatch.from_pydict(columns, schema=schema(config))  # pyright: ignore[reportUnknownMemberType]


def once(config: Numbers, name: str) -> bool:
    """True the first time, over all processes that share the scratch folder."""
    try:
        (Path(config.scratch) / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def failure(kind: str, message: str) -> TowpathError:
    """A failure of the kind."""
    kinds: dict[str, type[TowpathError]] = {
        "BadRecord": errors.BadRecord,
        "Unavailable": errors.Unavailable,
        "Throttled": errors.Throttled,
    }
    return kinds[kind](message)


def _password(config: Numbers) -> str:
    return config.password.get_secret_value() if config.password else "no password"


if __name__ == "__main__":
    lean.loaded()
    serve(NumbersSource())
