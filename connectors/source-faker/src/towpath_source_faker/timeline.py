"""What exists on which day, and in which order it came about. Arithmetic only; no I/O.

The history of a stream is a log: on day 0 its first rows are inserted, on each later day some rows are inserted and
some are updated. An *entry* is a place in that log. A row's version is the last day on which it was inserted or
updated, so that an entry still stands if its row was not updated on a later day. A snapshot goes through the rows by
number; an incremental read goes through the entries that still stand, which is the order of `updated_at`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from towpath_source_faker.config import Changes
from towpath_source_faker.dice import Integers

__all__ = ["Timeline"]

_EPOCH_MICROSECONDS = 1_704_067_200_000_000  # 2024-01-01T00:00:00Z
_DAY_MICROSECONDS = 86_400_000_000


@dataclass(frozen=True)
class Timeline:
    """The history of one stream up to and including `day`."""

    seed: int
    stream: str
    initial: int
    """Rows on day 0."""
    inserts: int
    updates: int
    """Per day; an update of more rows than there are updates each of them once."""
    day: int

    @classmethod
    def of(cls, seed: int, stream: str, initial: int, changes: Changes, day: int) -> Timeline:
        """The history of a stream as configured."""
        return cls(seed, stream, initial, changes.inserts, changes.updates, day)

    @property
    def rows(self) -> int:
        """Rows that exist."""
        return self._rows_on(self.day)

    @property
    def entries(self) -> int:
        """Entries of the log."""
        return self._entries_before(self.day + 1)

    def versions(self, rows: Integers) -> Integers:
        """The day on which each row was inserted or last updated."""
        versions = self._days_of_birth(rows)
        for day in range(1, self.day + 1):
            updated = self._updates_on(day)
            if updated:
                before = self._rows_on(day - 1)
                hit = ((rows - self._first_updated(day)) % before < updated) & (rows < before)
                versions[hit] = day
        return versions

    def standing(self, first: int, end: int) -> tuple[Integers, Integers, Integers]:
        """The entries from `first` to below `end` that still stand, in order: their places, rows and versions."""
        places = np.arange(first, end, dtype=np.int64)
        rows, days = np.empty_like(places), np.empty_like(places)
        for day in range(self.day + 1):
            start = self._entries_before(day)
            low, high = max(first, start), min(end, self._entries_before(day + 1))
            if low < high:
                piece = slice(low - first, high - first)
                rows[piece], days[piece] = self._rows_at(places[piece] - start, day), day
        if self.day == 0:
            return places, rows, days
        stands = self.versions(rows) == days
        return places[stands], rows[stands], days[stands]

    def created_at(self, rows: Integers) -> Integers:
        """When each row was inserted: microseconds since 1970, UTC."""
        return self._moments(rows, self._days_of_birth(rows))

    def updated_at(self, rows: Integers, versions: Integers) -> Integers:
        """When each row got its version; differs for any two rows, and grows along the log."""
        return self._moments(rows, versions)

    def _moments(self, rows: Integers, days: Integers) -> Integers:
        moments = np.empty(len(rows), dtype=np.int64)
        for day in range(self.day + 1):
            on_day = days == day if self.day else slice(None)
            entries = self._entries_on(day)
            if entries:
                step = max(1, _DAY_MICROSECONDS // entries)
                moments[on_day] = _EPOCH_MICROSECONDS + day * _DAY_MICROSECONDS + step * self._places(rows[on_day], day)
        return moments

    def _places(self, rows: Integers, day: int) -> Integers:
        """The place of each row among the entries of a day on which it has one: inserts first, then updates."""
        before = self._rows_on(day - 1) if day else 0
        if not day:
            return rows
        updates = self.inserts + (rows - self._first_updated(day)) % max(1, before)
        return np.where(rows >= before, rows - before, updates)

    def _rows_at(self, places: Integers, day: int) -> Integers:
        """The inverse of `_places`."""
        if not day:
            return places
        before = self._rows_on(day - 1)
        updated = (self._first_updated(day) + places - self.inserts) % max(1, before)
        return np.where(places < self.inserts, before + places, updated)

    def _days_of_birth(self, rows: Integers) -> Integers:
        days = np.zeros(len(rows), dtype=np.int64)
        if self.day and self.inserts:
            later = rows >= self.initial
            days[later] = 1 + (rows[later] - self.initial) // self.inserts
        return days

    def _rows_on(self, day: int) -> int:
        return self.initial + day * self.inserts

    def _updates_on(self, day: int) -> int:
        return min(self.updates, self._rows_on(day - 1)) if day else 0

    def _entries_on(self, day: int) -> int:
        return self.inserts + self._updates_on(day) if day else self.initial

    def _entries_before(self, day: int) -> int:
        return sum(map(self._entries_on, range(day)))

    def _first_updated(self, day: int) -> int:
        """The rows that a day updates follow one another from here, around the end."""
        digest = blake2b(f"{self.seed}\0{self.stream}\0day {day}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "little") % max(1, self._rows_on(day - 1))
