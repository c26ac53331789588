"""Configuration of a connector: a pydantic model whose JSON Schema is the connector's spec."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = ["Config", "Secret"]

Secret = Annotated[SecretStr, Field(json_schema_extra={"writeOnly": True, "x-towpath-secret": True})]
"""Type of a secret field: never in `repr`, masked in answers, redacted by value in logs, errors and states."""


class Config(BaseModel):
    """Base of configurations. Unknown fields are an error, so that a typing mistake never becomes a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)
