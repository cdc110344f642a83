"""Alembic's entry: runs on the connection that ``migrate`` hands over, as the owning role."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=None, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
