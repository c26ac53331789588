"""Launching connectors as containers, each fenced in, on a network of its own, and gone afterwards."""
