"""Migrations, run by `towpath_server.database.migrate`."""
