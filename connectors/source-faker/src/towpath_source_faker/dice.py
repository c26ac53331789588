"""Random numbers without a generator's memory: each is a function of seed, stream, column and row alone.

So any range of rows can be made apart from any other, in any order, on any machine, and is always the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

__all__ = ["Dice", "Integers", "Words"]

Integers: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"
"""One signed number per row."""
Words: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint64]]"
"""Sixty-four random bits per row."""

_buffer: Any = cast("Any", pa).py_buffer
_Bytes: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint8]]"
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_VERSION = np.uint64(0xD1B54A32D192ED03)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_HALF = np.uint64(32)


@dataclass(frozen=True)
class Dice:
    """The dice of one stream."""

    seed: int
    stream: str

    def words(self, column: str, rows: Integers, versions: Integers | None = None) -> Words:
        """Sixty-four random bits per row; with `versions`, others for each version of a row. This is SplitMix64."""
        words = rows.astype(np.uint64)
        words *= _GOLDEN
        if versions is not None:
            words += versions.astype(np.uint64) * _VERSION
        words += _key(self.seed, self.stream, column)
        words ^= words >> np.uint64(30)
        words *= _FIRST
        words ^= words >> np.uint64(27)
        words *= _SECOND
        words ^= words >> np.uint64(31)
        return words

    def below(self, bound: int, column: str, rows: Integers, versions: Integers | None = None) -> Integers:
        """A number from 0 to below `bound`, which is at most 2**32, per row."""
        words = self.words(column, rows, versions)
        words >>= _HALF
        words *= np.uint64(bound)
        words >>= _HALF
        return words.view(np.int64)

    def padding(self, size: int, rows: Integers) -> pa.Array[pa.StringScalar]:
        """A text of `size` printable characters per row: where the row lies in one long random text, over and over.

        Rows that follow one another are a piece of that text, which need not be copied.
        """
        text, period = _text(self.seed, size, len(rows))
        offsets = np.arange(len(rows) + 1, dtype=np.int32) * np.int32(size)
        starts = rows % (period // size) * size
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (rows[1:] > rows[:-1]).all():
            data = text[starts[0] : starts[0] + len(rows) * size]
        else:
            data = np.lib.stride_tricks.sliding_window_view(text, size)[starts].reshape(-1)
        return pa.StringArray.from_buffers(len(rows), _buffer(offsets), _buffer(data))


@lru_cache(maxsize=4096)
def _key(seed: int, stream: str, column: str) -> np.uint64:
    digest = blake2b(f"{seed}\0{stream}\0{column}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


_PERIOD = 1 << 20


def _text(seed: int, size: int, rows: int) -> tuple[_Bytes, int]:
    """A random text, and after how many bytes it repeats itself; long enough for so many rows from anywhere in it."""
    period = max(1, _PERIOD // size) * size
    return _repeated(seed, period, -(-(period + rows * size) // _PERIOD)), period


@lru_cache(maxsize=4)
def _repeated(seed: int, period: int, times: int) -> _Bytes:
    alphabet = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype=np.uint8)
    text = alphabet[Dice(seed, "").below(len(alphabet), "text", np.arange(period, dtype=np.int64))]
    return np.tile(text, times + 1)
