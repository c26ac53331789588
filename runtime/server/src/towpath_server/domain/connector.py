"""Connectors, what they say of themselves, and the sources and destinations that are configured with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from towpath_server.domain.json_text import JsonObject, load_object
from towpath_server.domain.limits import UNLIMITED, ContainerLimits
from towpath_server.domain.streams import WriteMode

__all__ = ["Connector", "Endpoint", "Program", "Role", "Spec"]


class Role(Enum):
    """What a connector is used as; the value is the singular word, `collection` that of resource names."""

    SOURCE = "source"
    DESTINATION = "destination"

    @property
    def collection(self) -> str:
        """Collection of resource names: `sources` or `destinations`."""
        return f"{self.value}s"


@dataclass(frozen=True)
class Spec:
    """What a connector said of itself. `wire` is the whole SpecResponse; the rest is what the server decides by."""

    wire: bytes
    roles: frozenset[Role]
    schema_text: str
    write_modes: tuple[WriteMode, ...]

    @property
    def schema(self) -> JsonObject:
        """JSON Schema of the configuration."""
        return load_object(self.schema_text, "config_json_schema")


@dataclass(frozen=True)
class Program:
    """What starts a connector: a command, which never holds secrets, or an image with what its containers may use."""

    command: tuple[str, ...] = ()
    image: str = ""
    limits: ContainerLimits = UNLIMITED

    def __str__(self) -> str:
        """Say what is started, without arguments."""
        return self.image or self.command[0]


@dataclass(frozen=True)
class Connector:
    """A registered program."""

    id: str
    program: Program
    spec: Spec
    etag: str
    create_time: datetime
    update_time: datetime

    @property
    def name(self) -> str:
        """Resource name."""
        return f"connectors/{self.id}"


@dataclass(frozen=True)
class Endpoint:
    """A source or a destination: a connector with its configuration, in clear in memory only."""

    role: Role
    id: str
    connector: str
    config: JsonObject = field(repr=False)
    etag: str
    create_time: datetime
    update_time: datetime

    @property
    def name(self) -> str:
        """Resource name."""
        return f"{self.role.collection}/{self.id}"
