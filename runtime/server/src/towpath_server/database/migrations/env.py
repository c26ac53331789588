"""Alembic's entry point; `towpath_server.database.migrate` hands it an open transaction."""

from alembic import context

from towpath_server.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
    render_as_batch=True,
)
context.run_migrations()
