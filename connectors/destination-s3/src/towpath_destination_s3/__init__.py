"""Towpath destination for S3 and what speaks its protocol: Parquet, JSON Lines and CSV, each row exactly once."""
