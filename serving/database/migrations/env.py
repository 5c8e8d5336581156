"""What alembic runs: the migrations on the connection that serving.database.migrate gives."""

from alembic import context

from serving.database.metadata import all_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    render_as_batch=True,
)
context.run_migrations()
