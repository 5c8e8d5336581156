"""What alembic runs: the migrations on the connection that serving.records.migrate gives."""

from alembic import context

from serving.records.metadata import all_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    render_as_batch=True,
)
context.run_migrations()
