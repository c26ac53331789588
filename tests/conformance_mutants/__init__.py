"""Deliberately broken connectors; `every` has all of them."""
