"""Rows as files: for destinations that write Parquet, JSON Lines or CSV, wherever the files lie.

What becomes of each type is decided here once. A destination plans with `plan_columns`, turns batches into what is
stored with `StoredColumns`, and writes them with the encoder of `encoder_for` to whatever takes bytes.
"""

from __future__ import annotations

from towpath_sdk.files.allocator import give_memory_back
from towpath_sdk.files.columns import METADATA, StoredColumns, check_names
from towpath_sdk.files.csv import cell_texts
from towpath_sdk.files.encoders import Encoder, encoder_for
from towpath_sdk.files.formats import (
    CsvFormat,
    Format,
    JsonLinesFormat,
    ParquetFormat,
    TextCompression,
    extension,
)
from towpath_sdk.files.plans import plan_columns
from towpath_sdk.files.shown import shown_texts
from towpath_sdk.files.storing import storing
from towpath_sdk.files.texts import plain
from towpath_sdk.files.waiting import Bound, Share

__all__ = [
    "METADATA",
    "Bound",
    "CsvFormat",
    "Encoder",
    "Format",
    "JsonLinesFormat",
    "ParquetFormat",
    "Share",
    "StoredColumns",
    "TextCompression",
    "cell_texts",
    "check_names",
    "encoder_for",
    "extension",
    "give_memory_back",
    "plain",
    "plan_columns",
    "shown_texts",
    "storing",
]
