"""What may start a connector, and what becomes of it when it is changed."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from towpath_sdk.errors import Misconfigured

from towpath_server.domain.connector import Program
from towpath_server.domain.limits import checked_limits

__all__ = ["changed_program", "check_program"]

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}")


def changed_program(present: Program, wanted: Program, fields: Collection[str]) -> Program:
    """Return `present` with those fields of `wanted`; a new command takes the place of an image, and the reverse."""
    changed = present
    if "command" in fields and "image" in fields:
        changed = replace(changed, command=wanted.command, image=wanted.image)
    elif "command" in fields:
        changed = replace(changed, command=wanted.command, image="")
    elif "image" in fields:
        changed = replace(changed, command=(), image=wanted.image)
    return replace(changed, limits=wanted.limits) if "limits" in fields else changed


def check_program(program: Program) -> None:
    """Raise Misconfigured for what cannot start a connector."""
    if program.image:
        _check_image(program)
    elif not program.command or not program.command[0].strip():
        problem = "name the program and its arguments, such as: towpath-source-postgres; or an image"
        raise Misconfigured("the command is empty", reason="INVALID_COMMAND", fields={"connector.command": problem})
    for index, argument in enumerate(program.command):
        if "\x00" in argument:
            field = f"connector.command[{index}]"
            raise Misconfigured("the command holds a NUL", reason="INVALID_COMMAND", fields={field: "holds a NUL"})
    checked_limits(program.limits, "connector.limits")


def _check_image(program: Program) -> None:
    if program.command:
        problem = "give a command or an image, not both"
        raise Misconfigured(problem, reason="INVALID_IMAGE", fields={"connector.image": problem})
    if not _IMAGE.fullmatch(program.image):
        problem = "write it as for docker pull, such as registry.example.com/source-shop:1.2"
        raise Misconfigured("the image has no name", reason="INVALID_IMAGE", fields={"connector.image": problem})
