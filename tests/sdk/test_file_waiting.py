"""Writers share what may wait in memory; one that was lost takes no share."""

from __future__ import annotations

import gc

from towpath_sdk.files import Bound

MIB = 1 << 20


def bound() -> Bound:
    """As large as that of the process, and nobody else's: writers of other tests take no part."""
    return Bound(bytes_in_all=64 * MIB, least_bytes=16 * MIB)


def test_writers_share_the_bound_of_the_process() -> None:
    """Four writers together may hold what one alone may."""
    process = bound()
    alone = process.share()
    assert alone.bytes == 64 * MIB
    others = [process.share() for _ in range(3)]
    assert alone.bytes == 16 * MIB
    for other in others:
        other.close()
        other.close()
    assert alone.bytes == 64 * MIB


def test_share_that_nobody_closed_returns_to_the_others() -> None:
    """A leak here would make every later file smaller."""
    process = bound()
    lost = process.share()
    alone = process.share()
    assert alone.bytes == 32 * MIB
    del lost
    gc.collect()
    assert alone.bytes == 64 * MIB


def test_writer_among_many_may_still_fill_a_part() -> None:
    """Otherwise a hundred writers would write a hundred thousand little files."""
    process = bound()
    shares = [process.share() for _ in range(100)]
    assert {share.bytes for share in shares} == {16 * MIB}
