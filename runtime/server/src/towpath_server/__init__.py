"""Towpath's server: the API for users and workers, and the only part that touches the metadata database."""
