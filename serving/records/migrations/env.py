"""What alembic runs: the migrations on the connection that serving.records.migrate gives."""

from alembic import context

from serving.records.metadata import all_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    transaction_per_migration=False,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
