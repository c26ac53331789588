"""Limits as people write them."""

from __future__ import annotations

import pytest
from towpath.control.v1.limits_pb2 import ContainerLimits
from towpath_cli.limits import limits_text, parse_limits
from towpath_sdk.errors import Misconfigured

MIB = 1024 * 1024


def test_limits_are_read_and_written_in_words() -> None:
    """What is shown can be typed again."""
    limits = parse_limits("memory=512MiB, cpus=0.5,processes=128,temporary=64MiB")
    assert limits == ContainerLimits(
        memory_bytes=512 * MIB, cpu_millis=500, max_processes=128, temporary_bytes=64 * MIB
    )
    assert limits_text(limits) == "memory 512.0 MiB, cpus 0.5, processes 128, temporary 64.0 MiB"
    assert parse_limits("") == ContainerLimits()


@pytest.mark.parametrize("text", ["memory", "disk=1GB", "memory=much", "cpus=half", "cpus=-1", "processes=1e12"])
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    """A limit that is misread is none."""
    with pytest.raises(Misconfigured):
        parse_limits(text)
