"""Writers share what may wait in memory; one that was lost takes no share."""

from __future__ import annotations

import gc

from towpath_destination_s3.waiting import Share


def test_writers_share_the_bound_of_the_process() -> None:
    """Four writers together may hold what one alone may."""
    gc.collect()
    alone = Share()
    assert alone.bytes == 64 << 20
    others = [Share() for _ in range(3)]
    assert alone.bytes == 16 << 20
    for other in others:
        other.close()
        other.close()
    assert alone.bytes == 64 << 20


def test_share_that_nobody_closed_returns_to_the_others() -> None:
    """A leak here would make every later file smaller."""
    gc.collect()
    lost = Share()
    alone = Share()
    assert alone.bytes == 32 << 20
    del lost
    gc.collect()
    assert alone.bytes == 64 << 20


def test_writer_among_many_may_still_fill_a_part() -> None:
    """Otherwise a hundred writers would write a hundred thousand little files."""
    shares = [Share() for _ in range(100)]
    assert {share.bytes for share in shares} == {16 << 20}
