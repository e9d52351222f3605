"""Presets and preferences of members."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "presets",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("shared_with", sa.BigInteger),
        sa.Column("changed_at", _instant, nullable=False),
        sa.Column("preset", sa.JSON, nullable=False),
    )
    op.create_index("presets_of_guild", "presets", ["shared_with", "name"])
    op.create_table(
        "preferences",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("changed_at", _instant, nullable=False),
        sa.Column("preferences", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("preferences")
    op.drop_table("presets")
