"""Alembic's entry point; `towpath_server.database.migrate` hands it an open transaction."""

from alembic import context

from towpath_server.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
    # Columns are added and dropped one by one. A batch would make the table anew on SQLite, and dropping the old one
    # deletes the rows of every table that refers to it: foreign keys are on, and cannot be off in a transaction.
    render_as_batch=False,
)
context.run_migrations()
