"""A destination that writes files into a folder: Parquet, JSON Lines, CSV."""
