"""Alembic's entry: runs the revisions on the connection `bot.ledger.database` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from bot.ledger.schema import metadata

# SQLite alters tables by copying them, which is what batch mode does.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
