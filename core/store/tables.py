"""The tables of one platform, the same for every role, on SQLite and PostgreSQL.

A primary key starts with the party, so that partitions can follow. Beside few typed columns stands the partner's JSON,
verbatim (`body`). Nothing here knows a wire: what a body means, the endpoint tells.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKeyConstraint, Index, Integer, MetaData, String, Table, Text

from core.store.columns import Degrees, Energy, Moment, Money, Watts
from core.store.wire_text import Body

metadata = MetaData()


def _party_key() -> tuple[Column[str], Column[str]]:
    return Column("country_code", String(2), primary_key=True), Column("party_id", String(3), primary_key=True)


_Serial = BigInteger().with_variant(Integer, "sqlite")
# Sorted by code point, as SQLite does, so that the beginning of a name is a range of the index.
_Name = String(300).with_variant(String(300, collation="C"), "postgresql")

partner = Table(
    "partner",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("status", String(16), nullable=False),
    Column("versions_url", Text),
    Column("version", String(8)),
    Column("endpoints", Text, nullable=False, server_default="[]"),
    Column("roles", Text, nullable=False, server_default="[]"),
    Column("agreement", Text, nullable=False, server_default="{}"),
    Column("outgoing_token", Text),
    Column("incoming_token_hash", String(64), unique=True),
    Column("previous_token_hash", String(64), unique=True),
    Column("previous_token_until", Moment),
    Column("certificate_name", Text),
    Column("created_at", Moment, nullable=False),
    Column("last_seen_at", Moment),
    Column("via", String(36), index=True),
    Column("reachability", String(16), nullable=False, server_default="CONNECTED"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("agreement", Text, nullable=False, server_default="{}"),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
)

site = Table(
    "site",
    metadata,
    *_party_key(),
    Column("id", String(36), primary_key=True),
    Column("partner_id", String(36), index=True),
    Column("source", String(64), nullable=False),
    Column("published", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("postal_code", Text, nullable=False),
    Column("country", String(3), nullable=False),
    Column("operator", Text, nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("latitude", Degrees, nullable=False),
    Column("longitude", Degrees, nullable=False),
    Column("cell", BigInteger, nullable=False),
    Column("opening_times", Text),
    Column("removed", Boolean, nullable=False),
    Column("last_updated", Moment, nullable=False),
    Column("body", Body, nullable=False),
)
Index(
    "site_near",
    site.c.cell,
    site.c.latitude,
    site.c.longitude,
    site.c.removed,
    site.c.published,
    site.c.country_code,
    site.c.party_id,
    site.c.id,
)
# Lists are asked for in pages, in the order of change: one index holds what a page and its count need.
Index("site_listed", site.c.country_code, site.c.party_id, site.c.source, site.c.last_updated, site.c.id)

evse = Table(
    "evse",
    metadata,
    *_party_key(),
    Column("site_id", String(36), primary_key=True),
    Column("uid", String(36), primary_key=True),
    Column("evse_id", String(255), nullable=False),
    Column("evse_key", String(255), nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("status_at", Moment, nullable=False),
    Column("last_updated", Moment, nullable=False),
    ForeignKeyConstraint(
        ["country_code", "party_id", "site_id"],
        ["site.country_code", "site.party_id", "site.id"],
        ondelete="CASCADE",
    ),
)

connector = Table(
    "connector",
    metadata,
    *_party_key(),
    Column("site_id", String(36), primary_key=True),
    Column("evse_uid", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("standard", String(32), nullable=False),
    Column("max_power_w", Watts, nullable=False),
    Column("tariff_ids", Text, nullable=False, server_default="[]"),
    ForeignKeyConstraint(
        ["country_code", "party_id", "site_id", "evse_uid"],
        ["evse.country_code", "evse.party_id", "evse.site_id", "evse.uid"],
        ondelete="CASCADE",
    ),
)

tariff = Table(
    "tariff",
    metadata,
    *_party_key(),
    Column("id", String(36), primary_key=True),
    Column("partner_id", String(36), index=True),
    Column("currency", String(3), nullable=False),
    Column("last_updated", Moment, nullable=False),
    Column("body", Body, nullable=False),
)
Index("tariff_listed", tariff.c.country_code, tariff.c.party_id, tariff.c.last_updated, tariff.c.id)

contract = Table(
    "contract",
    metadata,
    *_party_key(),
    Column("id", String(255), primary_key=True),
    Column("driver_name", Text, nullable=False, server_default=""),
    Column("pin_hash", Text),
    Column("status", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("failed_attempts", Integer, nullable=False, server_default="0"),
    Column("locked_until", Moment),
    Column("valid_until", Moment),
)

credential = Table(
    "credential",
    metadata,
    *_party_key(),
    Column("uid", String(36), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("partner_id", String(36)),
    Column("contract_id", String(255), nullable=False),
    Column("valid", Boolean, nullable=False),
    Column("whitelist", String(16), nullable=False),
    Column("last_updated", Moment, nullable=False),
    Column("body", Body, nullable=False),
)
Index("credential_listed", credential.c.partner_id, credential.c.last_updated, credential.c.uid, credential.c.kind)
Index("credential_uid", credential.c.uid)

driver_login = Table(
    "driver_login",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("contract_id", String(255), nullable=False),
    Column("credential_uid", String(36), nullable=False),
    Column("credential_kind", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

favourite = Table(
    "favourite",
    metadata,
    *_party_key(),
    Column("site_id", String(36), primary_key=True),
    Column("contract_id", String(255), primary_key=True),
)

quote = Table(
    "quote",
    metadata,
    *_party_key(),
    Column("id", String(36), primary_key=True),
    Column("contract_id", String(255)),
    Column("evse_id", String(255), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("valid_until", Moment, nullable=False),
    Column("consented_at", Moment),
    Column("body", Text, nullable=False),
)

service_session = Table(
    "service_session",
    metadata,
    *_party_key(),
    Column("id", String(36), primary_key=True),
    Column("partner_id", String(36)),
    Column("visited_country_code", String(2), nullable=False),
    Column("visited_party_id", String(3), nullable=False),
    Column("visited_session_id", String(36)),
    Column("authorization_reference", String(36), index=True),
    Column("state", String(16), nullable=False, index=True),
    Column("contract_id", String(255), nullable=False, index=True),
    Column("credential_uid", String(36), nullable=False),
    Column("site_id", String(36), nullable=False),
    Column("evse_uid", String(36), nullable=False),
    Column("evse_id", String(255), nullable=False),
    Column("connector_id", String(36), nullable=False),
    Column("quote_id", String(36)),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("energy", Energy, nullable=False, server_default="0"),
    Column("cost", Money),
    Column("currency", String(3)),
    Column("last_updated", Moment, nullable=False),
    Column("body", Text, nullable=False),
    Column("partner_body", Body),
)
Index("service_session_listed", service_session.c.partner_id, service_session.c.last_updated, service_session.c.id)
Index(
    "service_session_visited",
    service_session.c.visited_country_code,
    service_session.c.visited_party_id,
    service_session.c.visited_session_id,
    unique=True,
)

command = Table(
    "command",
    metadata,
    *_party_key(),
    Column("id", String(36), primary_key=True),
    Column("partner_id", String(36), nullable=False),
    Column("direction", String(8), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("session_id", String(36), index=True),
    Column("response_url", Text),
    Column("created_at", Moment, nullable=False),
    Column("answer", String(32)),
    Column("answered_at", Moment),
    Column("due_at", Moment),
    Column("result", String(32)),
    Column("result_at", Moment),
    Column("body", Text, nullable=False),
)
Index("command_response_url", command.c.partner_id, command.c.response_url, unique=True)

sdr = Table(
    "sdr",
    metadata,
    *_party_key(),
    Column("id", String(39), primary_key=True),
    Column("partner_id", String(36)),
    Column("session_id", String(36), index=True),
    Column("contract_id", String(255), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("references_id", String(39)),
    Column("content_hash", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("total_before_taxes", Money, nullable=False),
    Column("total_with_taxes", Money),
    Column("energy", Energy, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("verdict_reasons", Text, nullable=False, server_default="[]"),
    Column("receipt", Text),
    Column("last_updated", Moment, nullable=False),
    Column("body", Body, nullable=False),
)
Index("sdr_listed", sdr.c.partner_id, sdr.c.last_updated, sdr.c.id)

event = Table(
    "event",
    metadata,
    Column("sequence", _Serial, primary_key=True, autoincrement=True),
    Column("stream", _Name, nullable=False),
    Column("kind", String(48), nullable=False),
    Column("at", Moment, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("event_stream", event.c.stream, event.c.sequence)

message_log = Table(
    "message_log",
    metadata,
    Column("sequence", _Serial, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("direction", String(8), nullable=False),
    Column("partner_id", String(36)),
    Column("method", String(8), nullable=False),
    Column("path", Text, nullable=False),
    Column("http_status", Integer),
    Column("status_code", Integer),
    Column("request_id", String(64)),
    Column("correlation_id", String(64), index=True),
    Column("milliseconds", Integer),
    Column("request_body", Text),
    Column("response_body", Text),
)

push = Table(
    "push",
    metadata,
    Column("partner_id", String(36), primary_key=True),
    Column("module", String(32), primary_key=True),
    *_party_key(),
    Column("object_id", String(120), primary_key=True),
    Column("since", Moment, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Moment, nullable=False),
    Column("last_error", Text),
)

synchronisation = Table(
    "synchronisation",
    metadata,
    Column("partner_id", String(36), primary_key=True),
    Column("module", String(32), primary_key=True),
    Column("pulled_until", Moment),
    Column("succeeded_at", Moment),
    Column("last_error", Text),
)

equipment_state = Table(
    "equipment_state",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("body", Text, nullable=False),
)
