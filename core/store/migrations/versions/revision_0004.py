"""The transaction hub switch: its own tables, and partners that are reached through a clearing house."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SERIAL = BigInteger().with_variant(Integer, "sqlite")

schema = MetaData()

Table(
    "reachable_party",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("role", String(16), nullable=False),
    Column("hub_id", String(36), nullable=False),
    Column("reachability", String(16), nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "role", "hub_id"),
)

Table(
    "hub_client",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("role", String(16), nullable=False),
    Column("partner_id", String(36)),
    Column("reachability", String(16), nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "role"),
)

Table(
    "hub_agreement",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("other_country_code", String(2), nullable=False),
    Column("other_party_id", String(3), nullable=False),
    Column("body", Text, nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "other_country_code", "other_party_id"),
)

Table(
    "hub_route",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("key", String(255), nullable=False),
    Column("learned_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "kind", "key"),
    Index("hub_route_key", "kind", "key"),
)

Table(
    "hub_alias",
    schema,
    Column("id", String(64), nullable=False),
    Column("partner_id", String(36), nullable=False),
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("user_partner_id", String(36), nullable=False),
    Column("user_country_code", String(2), nullable=False),
    Column("user_party_id", String(3), nullable=False),
    Column("service", String(32), nullable=False),
    Column("url", Text),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("id"),
    Index("ix_hub_alias_created_at", "created_at"),
)

Table(
    "hub_queue",
    schema,
    Column("sequence", SERIAL, autoincrement=True, nullable=False),
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("receiver_country_code", String(2), nullable=False),
    Column("receiver_party_id", String(3), nullable=False),
    Column("object_key", String(255), nullable=False),
    Column("message", Text, nullable=False),
    Column("queued_at", BigInteger, nullable=False),
    Column("attempts", Integer, server_default="0", nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("last_error", Text),
    Column("refused_at", BigInteger),
    PrimaryKeyConstraint("sequence"),
    Index("hub_queue_next", "refused_at", "next_at"),
    sqlite_autoincrement=True,
)

Table(
    "hub_answer",
    schema,
    Column("partner_id", String(36), nullable=False),
    Column("message_id", String(64), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("answer", Text),
    PrimaryKeyConstraint("partner_id", "message_id"),
    Index("ix_hub_answer_at", "at"),
)

Table(
    "hub_log",
    schema,
    Column("sequence", SERIAL, autoincrement=True, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("receiver_country_code", String(2)),
    Column("receiver_party_id", String(3)),
    Column("service", String(32)),
    Column("method", String(8), nullable=False),
    Column("path", Text, nullable=False),
    Column("message_id", String(64), nullable=False),
    Column("onward_id", String(64)),
    Column("correlation_id", String(64), nullable=False),
    Column("session_id", String(36)),
    Column("sdr_id", String(39)),
    Column("authorization_reference", String(36)),
    Column("http_status", Integer),
    Column("status_code", Integer),
    Column("content_hash", String(64)),
    Column("facts", Text),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("sequence"),
    Index("ix_hub_log_correlation_id", "correlation_id"),
    Index("ix_hub_log_session_id", "session_id"),
    Index("ix_hub_log_sdr_id", "sdr_id"),
    Index("ix_hub_log_authorization_reference", "authorization_reference"),
    Index("hub_log_at", "at"),
    sqlite_autoincrement=True,
)


def upgrade() -> None:
    """Make the new tables, and let a partner stand behind another one."""
    schema.create_all(op.get_bind(), checkfirst=False)
    op.add_column("partner", Column("via", String(36)))
    op.add_column("partner", Column("reachability", String(16), server_default="CONNECTED", nullable=False))
    op.create_index("ix_partner_via", "partner", ["via"])
