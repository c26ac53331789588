"""What a user configures. The JSON Schema of `PostgresConfig` is the connector's spec."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator
from towpath_sdk import Config, Secret

__all__ = ["PostgresConfig", "SpecialValues", "SslMode"]


class SslMode(StrEnum):
    """libpq's sslmode: what is encrypted, and what is verified."""

    DISABLE = "disable"
    ALLOW = "allow"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class SpecialValues(StrEnum):
    """What becomes of a value that its Arrow type cannot hold.

    Such values are NaN and infinities in `numeric(p,s)`, infinite dates and timestamps, timestamps beyond 294247 AD,
    the time 24:00, and arrays with several dimensions in a column that declares one.
    """

    FAIL = "fail"
    """The stream fails and names the column."""
    NULL = "null"
    """The value is delivered as NULL, and the log says how many there were."""
    STRING = "string"
    """The whole column is delivered as text, exactly as PostgreSQL writes it."""


class PostgresConfig(Config):
    """Where the database is, who reads it, and how."""

    host: str = Field(min_length=1, description="Host name or address of the server.")
    port: int = Field(default=5432, ge=1, le=65535, description="TCP port of the server.")
    database: str = Field(min_length=1, description="Database to read.")
    user: str = Field(min_length=1, description="Role to log in as; it needs CONNECT, USAGE on the schemas and SELECT.")
    password: Secret | None = Field(default=None, description="Password of the role.")
    sslmode: SslMode = Field(default=SslMode.PREFER, description="Whether to encrypt, and what to verify.")
    ssl_root_certificate: str | None = Field(
        default=None,
        description="Certificates of the authorities to trust, as PEM text; for verify-ca and verify-full.",
    )
    ssl_client_certificate: str | None = Field(default=None, description="Client certificate, as PEM text.")
    ssl_client_key: Secret | None = Field(default=None, description="Key of the client certificate, as PEM text.")
    schemas: tuple[str, ...] = Field(default=(), description="Schemas to offer; empty means all but the system's.")
    statement_timeout_seconds: int = Field(
        default=0, ge=0, le=604_800, description="Longest time for one statement; 0 means no limit."
    )
    lock_timeout_seconds: int = Field(
        default=60, ge=0, le=86_400, description="Longest wait for a table lock; 0 means no limit."
    )
    snapshot_seconds: int = Field(
        default=120,
        ge=0,
        le=86_400,
        description="How long the snapshot of an interrupted read is kept for the read that continues it. Until then "
        "the table cannot be altered.",
    )
    connect_timeout_seconds: int = Field(default=10, ge=1, le=300, description="Longest wait for a connection.")
    application_name: str = Field(
        default="towpath", max_length=63, description="Name shown in pg_stat_activity and the server's log."
    )
    special_values: SpecialValues = Field(
        default=SpecialValues.FAIL, description="What becomes of values that their Arrow type cannot hold."
    )
    special_values_by_column: dict[str, SpecialValues] = Field(
        default_factory=dict,
        description='Exceptions from special_values, as "schema.table.column": "fail", "null" or "string".',
    )
    unconstrained_numeric: tuple[int, int] | None = Field(
        default=None,
        description="Precision and scale to give to numeric columns that declare none; without it they become text.",
    )
    chunk_bytes: int = Field(
        default=128 << 20,
        ge=1 << 16,
        le=16 << 30,
        description="Bytes of table, roughly, between two points from which a snapshot can continue.",
    )

    @model_validator(mode="after")
    def _certificates_belong_together(self) -> Self:
        if (self.ssl_client_certificate is None) != (self.ssl_client_key is None):
            raise ValueError("ssl_client_certificate and ssl_client_key belong together; give both or none")
        if self.sslmode in (SslMode.VERIFY_CA, SslMode.VERIFY_FULL) and self.ssl_root_certificate is None:
            raise ValueError(f"sslmode {self.sslmode.value} needs ssl_root_certificate")
        return self

    @model_validator(mode="after")
    def _unconstrained_numeric_is_a_decimal(self) -> Self:
        if self.unconstrained_numeric is not None:
            precision, scale = self.unconstrained_numeric
            if not (1 <= precision <= 76 and 0 <= scale <= precision):  # noqa: PLR2004 - Arrow's widest decimal
                raise ValueError("unconstrained_numeric needs a precision of 1 to 76 and a scale of 0 to the precision")
        return self

    def special_values_of(self, schema: str, table: str, column: str) -> SpecialValues:
        """Return the policy for one column."""
        return self.special_values_by_column.get(f"{schema}.{table}.{column}", self.special_values)
