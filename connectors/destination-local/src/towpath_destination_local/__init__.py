"""Towpath destination that writes files into a folder, each row exactly once."""
