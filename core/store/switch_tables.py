"""Tables of the transaction hub switch (6.4.1): a clearing house's own, and what members keep of those behind it."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from core.store.columns import Moment
from core.store.tables import metadata

_Serial = BigInteger().with_variant(Integer, "sqlite")


def _party(prefix: str = "", *, key: bool = False) -> tuple[Column[str], Column[str]]:
    return (
        Column(f"{prefix}country_code", String(2), primary_key=key, nullable=False),
        Column(f"{prefix}party_id", String(3), primary_key=key, nullable=False),
    )


reachable_party = Table(
    "reachable_party",
    metadata,
    *_party(key=True),
    Column("role", String(16), primary_key=True),
    Column("hub_id", String(36), primary_key=True),
    Column("reachability", String(16), nullable=False),
    Column("last_updated", Moment, nullable=False),
    Column("body", Text, nullable=False),
)

hub_client = Table(
    "hub_client",
    metadata,
    *_party(key=True),
    Column("role", String(16), primary_key=True),
    Column("partner_id", String(36)),
    Column("reachability", String(16), nullable=False),
    Column("last_updated", Moment, nullable=False),
)

hub_agreement = Table(
    "hub_agreement",
    metadata,
    *_party(key=True),
    *_party("other_", key=True),
    Column("body", Text, nullable=False),
    Column("last_updated", Moment, nullable=False),
)

hub_agreement_version = Table(
    "hub_agreement_version",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("agreement_id", String(36), nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    *_party("one_"),
    *_party("other_"),
    Column("one_signature", Text, nullable=False),
    Column("other_signature", Text, nullable=False),
    Column("in_force_at", Moment, nullable=False),
    Column("ends_at", Moment),
    Column("ended_by", String(8)),
    Column("end_signature", Text),
)

hub_route = Table(
    "hub_route",
    metadata,
    *_party(key=True),
    Column("kind", String(16), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("learned_at", Moment, nullable=False),
)
Index("hub_route_key", hub_route.c.kind, hub_route.c.key)

hub_alias = Table(
    "hub_alias",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("partner_id", String(36), nullable=False),
    *_party(),
    Column("user_partner_id", String(36), nullable=False),
    *_party("user_"),
    Column("service", String(32), nullable=False),
    Column("url", Text),
    Column("created_at", Moment, nullable=False, index=True),
)

hub_queue = Table(
    "hub_queue",
    metadata,
    Column("sequence", _Serial, primary_key=True, autoincrement=True),
    *_party(),
    *_party("receiver_"),
    Column("object_key", String(255), nullable=False),
    Column("message", Text, nullable=False),
    Column("queued_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Moment, nullable=False),
    Column("last_error", Text),
    Column("refused_at", Moment),
    sqlite_autoincrement=True,
)
Index("hub_queue_next", hub_queue.c.refused_at, hub_queue.c.next_at)

hub_answer = Table(
    "hub_answer",
    metadata,
    Column("partner_id", String(36), primary_key=True),
    Column("message_id", String(64), primary_key=True),
    Column("content_hash", String(64), nullable=False),
    Column("at", Moment, nullable=False, index=True),
    Column("answer", Text),
)

hub_log = Table(
    "hub_log",
    metadata,
    Column("sequence", _Serial, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("kind", String(16), nullable=False),
    *_party(),
    Column("receiver_country_code", String(2)),
    Column("receiver_party_id", String(3)),
    Column("service", String(32)),
    Column("method", String(8), nullable=False),
    Column("path", Text, nullable=False),
    Column("message_id", String(64), nullable=False),
    Column("onward_id", String(64)),
    Column("correlation_id", String(64), nullable=False, index=True),
    Column("session_id", String(36), index=True),
    Column("sdr_id", String(39), index=True),
    Column("authorization_reference", String(36), index=True),
    Column("http_status", Integer),
    Column("status_code", Integer),
    Column("content_hash", String(64)),
    Column("facts", Text),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    sqlite_autoincrement=True,
)
Index("hub_log_at", hub_log.c.at)
