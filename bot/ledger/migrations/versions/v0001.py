"""The first tables: jobs, the shares of members and weight classes, and single facts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table("jobs", *_identity(), *_progress(), *_documents())
    op.create_index("jobs_by_turn", "jobs", ["state", "model", "weight", "user_id", "seq", "is_placed", "cost"])
    op.create_index("jobs_of_member", "jobs", ["user_id", "state"])
    op.create_index("jobs_of_guild", "jobs", ["guild_id", "state"])
    op.create_index("jobs_by_result_message", "jobs", ["result_message_id"])
    op.create_index("jobs_by_finish", "jobs", ["model", "finished_at"])
    op.create_index("jobs_to_tidy", "jobs", ["state", "is_status_final", "is_swept"])
    _create_shares()
    op.create_table(
        "facts",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("changed_at", _instant, nullable=False),
        sa.Column("changed_by", sa.BigInteger),
    )


def downgrade() -> None:
    """Drop everything."""
    for table in ("facts", "classes", "shares", "jobs"):
        op.drop_table(table)


def _identity() -> list[sa.Column[object]]:
    return [
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(16), nullable=False, unique=True),
        sa.Column("idempotency_key", sa.String(64), nullable=False, unique=True),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("parent_id", sa.String(16)),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("cost", sa.Float, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("weight", sa.Integer, nullable=False),
    ]


def _progress() -> list[sa.Column[object]]:
    return [
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("is_placed", sa.Boolean, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("fence_floor", sa.Integer, nullable=False),
        sa.Column("charged_s", sa.Float, nullable=False),
        sa.Column("created_at", _instant, nullable=False),
        sa.Column("dispatched_at", _instant),
        sa.Column("started_at", _instant),
        sa.Column("finished_at", _instant),
        sa.Column("seconds", sa.Float),
        sa.Column("failure", sa.String(32)),
        sa.Column("deliveries", sa.Integer, nullable=False),
        sa.Column("undeliverable_code", sa.Integer),
        sa.Column("result_channel_id", sa.BigInteger),
        sa.Column("result_message_id", sa.BigInteger),
        sa.Column("is_status_final", sa.Boolean, nullable=False),
        sa.Column("is_swept", sa.Boolean, nullable=False),
    ]


def _documents() -> list[sa.Column[object]]:
    return [
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("skeleton", sa.JSON, nullable=False),
        sa.Column("destination", sa.JSON),
        sa.Column("status", sa.JSON),
        sa.Column("result", sa.JSON),
    ]


def _create_shares() -> None:
    op.create_table(
        "shares",
        sa.Column("model", sa.String(128), primary_key=True),
        sa.Column("weight", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("virtual_s", sa.Float, nullable=False),
        sa.Column("picked", sa.BigInteger, nullable=False),
    )
    op.create_index("shares_by_turn", "shares", ["model", "weight", "virtual_s", "picked", "user_id"])
    op.create_table(
        "classes",
        sa.Column("model", sa.String(128), primary_key=True),
        sa.Column("weight", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("virtual_s", sa.Float, nullable=False),
        sa.Column("started_s", sa.Float, nullable=False),
        sa.Column("clock_s", sa.Float, nullable=False),
        sa.Column("picks", sa.BigInteger, nullable=False),
    )
