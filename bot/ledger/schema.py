"""The tables, as the newest migration leaves them. A change here needs a migration; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)


class Instant(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite keeps no zone, so it is taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Raise ValueError for a naive time: nobody could say which instant it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the ledger takes aware times only")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    # The order of acceptance. SQLite numbers only its own INTEGER type by itself.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("idempotency_key", String(64), nullable=False, unique=True),
    Column("source", String(16), nullable=False),
    Column("parent_id", String(16)),
    Column("user_id", BigInteger, nullable=False),
    Column("guild_id", BigInteger),
    Column("channel_id", BigInteger, nullable=False),
    Column("model", String(128), nullable=False),
    Column("cost", Float, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", String(16)),
    # Whether a destination is stored, beside the JSON so that an index can hold it.
    Column("is_placed", Boolean, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    # Events of fence attempts below this one are old news.
    Column("fence_floor", Integer, nullable=False),
    # GPU-seconds charged to the member's share at the pick, until the true figure is known.
    Column("charged_s", Float, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("dispatched_at", Instant),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("seconds", Float),
    Column("failure", String(32)),
    Column("deliveries", Integer, nullable=False),
    Column("undeliverable_code", Integer),
    Column("result_channel_id", BigInteger),
    Column("result_message_id", BigInteger),
    Column("is_status_final", Boolean, nullable=False),
    # Whether Redis was told to forget the closed job.
    Column("is_swept", Boolean, nullable=False),
    Column("request", JSON, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("skeleton", JSON, nullable=False),
    Column("destination", JSON(none_as_null=True)),
    Column("status", JSON(none_as_null=True)),
    Column("result", JSON(none_as_null=True)),
    Column("policy", JSON(none_as_null=True)),
    # The member's own words, where the prompt in the request is worded differently for the model.
    Column("asked", Text),
    # Whose turn it is, and the order inside a member; narrow enough to answer without touching the rows.
    Index("jobs_by_turn", "state", "model", "weight", "user_id", "seq", "is_placed", "cost"),
    Index("jobs_of_member", "user_id", "state"),
    Index("jobs_of_guild", "guild_id", "state"),
    Index("jobs_by_result_message", "result_message_id"),
    Index("jobs_by_finish", "model", "finished_at"),
    Index("jobs_to_tidy", "state", "is_status_final", "is_swept"),
)

shares = Table(
    "shares",
    metadata,
    Column("model", String(128), primary_key=True),
    Column("weight", Integer, primary_key=True),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    # GPU-seconds had, on the clock of the weight class; the least goes first.
    Column("virtual_s", Float, nullable=False),
    # Number of the pick that served this member last; breaks ties for who waited longest.
    Column("picked", BigInteger, nullable=False),
    # Jobs the member may have in flight, by the policy of the latest one; null: what the settings say.
    Column("running_cap", Integer),
    Index("shares_by_turn", "model", "weight", "virtual_s", "picked", "user_id"),
)

classes = Table(
    "classes",
    metadata,
    Column("model", String(128), primary_key=True),
    Column("weight", Integer, primary_key=True, autoincrement=False),
    # GPU-seconds had by the class, divided by its weight; the least goes first.
    Column("virtual_s", Float, nullable=False),
    # virtual_s before the last pick: where a class that was idle joins again.
    Column("started_s", Float, nullable=False),
    # The same for members inside the class.
    Column("clock_s", Float, nullable=False),
    Column("picks", BigInteger, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", BigInteger),
)
"""Single values: the cursor in the event stream, why and by whom the queue is paused, the hash of the command set."""


presets = Table(
    "presets",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(32), primary_key=True),
    # The server whose members may use it too.
    Column("shared_with", BigInteger),
    Column("changed_at", Instant, nullable=False),
    Column("preset", JSON, nullable=False),
    Index("presets_of_guild", "shared_with", "name"),
)

favourites = Table(
    "favourites",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("job_id", String(16), primary_key=True),
    Column("created_at", Instant, nullable=False),
)

preferences = Table(
    "preferences",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("changed_at", Instant, nullable=False),
    Column("preferences", JSON, nullable=False),
)

rules = Table(
    "rules",
    metadata,
    # 0: the operator's, for every server.
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    # guild, channel or role; a server's own rules have the subject 0.
    Column("scope", String(8), primary_key=True),
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("document", JSON, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", BigInteger, nullable=False),
)

bans = Table(
    "bans",
    metadata,
    # 0: from every server, by the operator.
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String(200), nullable=False),
    Column("banned_at", Instant, nullable=False),
    Column("banned_by", BigInteger, nullable=False),
    # null: until somebody lifts it.
    Column("expires_at", Instant),
    Index("bans_of_member", "user_id"),
)

usage = Table(
    "usage",
    metadata,
    # 0: direct messages.
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    # Days since 1970 in UTC.
    Column("day", Integer, primary_key=True, autoincrement=False),
    # Whole milliseconds, so that what is given back is to the last digit what was taken.
    Column("gpu_ms", BigInteger, nullable=False),
    Column("pictures", Integer, nullable=False),
    Index("usage_of_member", "user_id"),
)

charges = Table(
    "charges",
    metadata,
    Column("job_id", String(16), primary_key=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("gpu_ms", BigInteger, nullable=False),
    Column("pictures", Integer, nullable=False),
    Index("charges_of_member", "user_id"),
)
"""What each job has taken of its member's `usage`: an estimate until it ends, then what it came to."""

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    # 0: concerns every server.
    Column("guild_id", BigInteger, nullable=False),
    # 0: somebody at the operator's terminal.
    Column("actor_id", BigInteger, nullable=False),
    Column("action", String(32), nullable=False),
    Column("target", String(100), nullable=False),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Index("audit_of_guild", "guild_id", "id"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("asked_at", Instant, nullable=False),
    # One of the two: a member who asked, or a server that was left.
    Column("user_id", BigInteger),
    Column("guild_id", BigInteger),
)
"""What is to be forgotten, until all of it is: a job being drawn can go only once it has stopped."""

blob_uses = Table(
    "blob_uses",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("job_id", String(16), primary_key=True),
    Index("blobs_of_job", "job_id"),
)
"""Which jobs refer to which blobs; a blob is by content, so two members may share one."""

trays = Table(
    "trays",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    # 1 is the first.
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("label", String(80), nullable=False),
    # The same in every row of a tray.
    Column("changed_at", Instant, nullable=False),
    Index("trays_by_blob", "sha256"),
)

shown = Table(
    "shown",
    metadata,
    Column("interaction_id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("pictures", JSON, nullable=False),
)
"""Pictures that forms were opened for."""
