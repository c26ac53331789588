"""What starts a connector, as columns of a row and as a part of a document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from towpath_server.domain.connector import Program
from towpath_server.domain.limits import ContainerLimits

__all__ = ["decode_program", "encode_program"]


def encode_program(program: Program) -> dict[str, str]:
    """Return command and limits as JSON text, and the image."""
    return {
        "command": json.dumps(program.command, ensure_ascii=False),
        "image": program.image,
        "limits": json.dumps(asdict(program.limits)),
    }


def decode_program(values: Mapping[Any, Any]) -> Program:
    """Return the program that `encode_program` encoded, among other values."""
    limits = ContainerLimits(**json.loads(values["limits"]))
    return Program(tuple(json.loads(values["command"])), values["image"], limits)
