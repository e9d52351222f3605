"""Governance and privacy: rules, bans, usage, charges, audit, erasures, and which jobs use which blobs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_instant = sa.DateTime(timezone=True)
_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables, and note the blobs of the jobs there are."""
    with op.batch_alter_table("shares") as shares:
        shares.add_column(sa.Column("running_cap", sa.Integer))
    _create_rules()
    _create_usage()
    _create_audit()
    op.create_table(
        "erasures",
        sa.Column("id", _number, primary_key=True, autoincrement=True),
        sa.Column("asked_at", _instant, nullable=False),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("guild_id", sa.BigInteger),
    )
    op.create_table(
        "blob_uses",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("job_id", sa.String(16), primary_key=True),
    )
    op.create_index("blobs_of_job", "blob_uses", ["job_id"])
    _note_blobs()


def downgrade() -> None:
    """Drop the tables and the column."""
    for table in ("blob_uses", "erasures", "audit", "charges", "usage", "bans", "rules"):
        op.drop_table(table)
    with op.batch_alter_table("shares") as shares:
        shares.drop_column("running_cap")


def _create_rules() -> None:
    op.create_table(
        "rules",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("scope", sa.String(8), primary_key=True),
        sa.Column("subject_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("changed_at", _instant, nullable=False),
        sa.Column("changed_by", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "bans",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("banned_at", _instant, nullable=False),
        sa.Column("banned_by", sa.BigInteger, nullable=False),
        sa.Column("expires_at", _instant),
    )
    op.create_index("bans_of_member", "bans", ["user_id"])


def _create_usage() -> None:
    op.create_table(
        "usage",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("gpu_ms", sa.BigInteger, nullable=False),
        sa.Column("pictures", sa.Integer, nullable=False),
    )
    op.create_index("usage_of_member", "usage", ["user_id"])
    op.create_table(
        "charges",
        sa.Column("job_id", sa.String(16), primary_key=True),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("gpu_ms", sa.BigInteger, nullable=False),
        sa.Column("pictures", sa.Integer, nullable=False),
    )
    op.create_index("charges_of_member", "charges", ["user_id"])


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _number, primary_key=True, autoincrement=True),
        sa.Column("at", _instant, nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("actor_id", sa.BigInteger, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("target", sa.String(100), nullable=False),
        sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON),
    )
    op.create_index("audit_of_guild", "audit", ["guild_id", "id"])


def _note_blobs() -> None:
    # The documents as revision 0001 wrote them; later code may read them differently.
    jobs = sa.table("jobs", sa.column("id"), sa.column("request", sa.JSON), sa.column("result", sa.JSON))
    uses = sa.table("blob_uses", sa.column("sha256"), sa.column("job_id"))
    connection = op.get_bind()
    rows: list[dict[str, Any]] = []
    for job in connection.execute(sa.select(jobs)):
        held = [image["sha256"] for image in job.request.get("reference_images") or ()]
        held += [picture["sha256"] for picture in (job.result or {}).get("pictures") or ()]
        rows += [{"sha256": sha256, "job_id": job.id} for sha256 in sorted(set(held))]
    if rows:
        connection.execute(sa.insert(uses), rows)
