"""Towpath destination for S3 and what speaks its protocol: Parquet, JSON Lines and CSV, each row exactly once."""

from __future__ import annotations

from towpath_destination_s3.config import S3Config
from towpath_destination_s3.destination import S3Destination

__all__ = ["S3Config", "S3Destination"]
