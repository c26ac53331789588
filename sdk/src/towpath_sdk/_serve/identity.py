"""Who a connector is: its roles, its configuration model, and its spec."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

from towpath.connector.v1 import connector_pb2, types_pb2

from towpath_sdk._wire.configs import ParsedConfig, config_model, json_schema, parse_config
from towpath_sdk.config import Config
from towpath_sdk.destination import Destination
from towpath_sdk.errors import Bug
from towpath_sdk.source import Source

__all__ = ["Connector", "connector_of"]


@dataclass(frozen=True)
class Connector:
    """The author's objects, of which at least one is there, and what they have in common."""

    source: Source[Any] | None
    destination: Destination[Any] | None
    model: type[Config]
    spec: connector_pb2.SpecResponse

    @property
    def wants_acks(self) -> bool:
        """The source holds upstream resources, or wants to hear of acknowledgements."""
        source = self.source
        return source is not None and (source.needs_acks or self.hears_acks)

    @property
    def hears_acks(self) -> bool:
        """The source has an `acknowledge` of its own."""
        return self.source is not None and _overrides(self.source, "acknowledge")

    def parse(self, config_json: str) -> ParsedConfig[Config]:
        """Validate a configuration. Raises Misconfigured."""
        return parse_config(self.model, config_json)


def connector_of(*parts: Source[Any] | Destination[Any]) -> Connector:
    """Join a source, a destination, or one of each. Raises Bug when they do not fit together."""
    sources = [part for part in parts if isinstance(part, Source)]
    destinations = [part for part in parts if isinstance(part, Destination)]
    if not parts or len(sources) > 1 or len(destinations) > 1 or len(sources) + len(destinations) < len(parts):
        raise Bug("serve takes one Source, one Destination, or one of each")
    source = sources[0] if sources else None
    destination = destinations[0] if destinations else None
    models = {config_model(type(part), Source if isinstance(part, Source) else Destination) for part in parts}
    if len(models) > 1:
        raise Bug("the source and the destination of one connector share one configuration model")
    (model,) = models
    return Connector(source, destination, model, _spec(source, destination, model))


def _spec(
    source: Source[Any] | None, destination: Destination[Any] | None, model: type[Config]
) -> connector_pb2.SpecResponse:
    part = source if source is not None else destination
    if part is None:
        raise Bug("a connector is a source, a destination, or both")
    spec = connector_pb2.SpecResponse(
        connector_id=part.connector_id or _derived_id(type(part)),
        connector_version=part.version,
        config_json_schema=json_schema(model),
        title=part.title or _spaced(type(part).__name__),
        documentation_url=part.documentation_url,
    )
    if source is not None:
        spec.roles.append(connector_pb2.ROLE_SOURCE)
        spec.source.splits = source.splits
        # Whoever wants to hear of acknowledgements has something to let go of.
        spec.source.needs_acks = source.needs_acks or _overrides(source, "acknowledge")
        spec.source.deterministic_replay = source.deterministic_replay
    if destination is not None:
        spec.roles.append(connector_pb2.ROLE_DESTINATION)
        modes = (cast("types_pb2.WriteMode", mode.value) for mode in destination.write_modes)
        spec.destination.write_modes.extend(modes)
        spec.destination.discards_after_resume = destination.discards_after_resume
        spec.destination.max_writers_per_stream = destination.max_writers_per_stream
    return spec


def _overrides(source: Source[Any], method: str) -> bool:
    return getattr(type(source), method) is not getattr(Source, method)


def _derived_id(connector: type) -> str:
    module = connector.__module__.removeprefix("__main__").strip(".").replace("_", "-")
    return ".".join(filter(None, ("local", module, re.sub(r"[\W_]+", "-", _spaced(connector.__name__)).lower())))


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
