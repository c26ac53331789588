"""Trying a connector out: it is started, spoken to as the broker would, and what it says is shown."""
