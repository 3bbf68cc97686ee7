"""Tables of agreements (5.4.6): every version that was proposed, signed or set, kept for good."""

from sqlalchemy import Column, Integer, String, Table, Text

from core.store.columns import Moment
from core.store.tables import metadata

agreement_version = Table(
    "agreement_version",
    metadata,
    Column("partner_id", String(36), primary_key=True),
    Column("hash", String(64), primary_key=True),
    Column("agreement_id", String(36), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("document", Text, nullable=False),
    Column("our_signature", Text),
    Column("their_signature", Text),
    Column("created_at", Moment, nullable=False),
    Column("in_force_at", Moment),
    Column("ends_at", Moment),
    Column("ended_by", String(8)),
    Column("end_signature", Text),
    Column("remark", Text),
)
