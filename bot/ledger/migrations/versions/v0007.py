"""A member's own words, where the prompt is worded differently for the model."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("jobs", sa.Column("asked", sa.Text()))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("jobs", "asked")
