"""What a member of a clearing house has heard from it: terms of its pairs, verdicts on SDRs, statements of batches."""

from sqlalchemy import Column, Index, String, Table, Text

from core.store.columns import Moment
from core.store.tables import metadata

heard_terms = Table(
    "heard_terms",
    metadata,
    Column("partner_id", String(36), primary_key=True),
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("debtor_country_code", String(2), primary_key=True),
    Column("debtor_party_id", String(3), primary_key=True),
    Column("body", Text, nullable=False),
)

heard_verdict = Table(
    "heard_verdict",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("id", String(39), primary_key=True),
    Column("partner_id", String(36), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("outcome_at", Moment, nullable=False),
    Column("body", Text, nullable=False),
)
Index("heard_verdict_outcome", heard_verdict.c.partner_id, heard_verdict.c.outcome)

heard_statement = Table(
    "heard_statement",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("partner_id", String(36), nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", Text, nullable=False),
)
