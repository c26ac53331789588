"""Towpath workflows, launchers and broker."""
