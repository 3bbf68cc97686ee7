"""The books of a clearing house: records, discrepancies, disputes, obligations, batches, ledger, payments."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

schema = MetaData()

Table(
    "clearing_terms",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("debtor_country_code", String(2), nullable=False),
    Column("debtor_party_id", String(3), nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "debtor_country_code", "debtor_party_id"),
)

Table(
    "clearing_sdr",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(39), nullable=False),
    Column("payer_country_code", String(2), nullable=False),
    Column("payer_party_id", String(3), nullable=False),
    Column("partner_id", String(36)),
    Column("session_id", String(36)),
    Column("authorization_reference", String(36)),
    Column("evse_key", String(255)),
    Column("credential_key", String(300), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("references_id", String(39)),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("energy", BigInteger, nullable=False),
    Column("before_taxes", BigInteger, nullable=False),
    Column("with_taxes", BigInteger),
    Column("currency", String(3), nullable=False),
    Column("meter_start", BigInteger),
    Column("meter_end", BigInteger),
    Column("content_hash", String(64), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("outcome_at", BigInteger, nullable=False),
    Column("outcome_by", String(64), nullable=False),
    Column("due_at", BigInteger),
    Column("matched_with", String(80)),
    Column("matched_by", Integer),
    Column("released", Text, server_default="[]", nullable=False),
    Column("remarks", Text, server_default="[]", nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("clearing_sdr_ended", "ended_at"),
    Index("clearing_sdr_outcome", "outcome", "ended_at"),
    Index("clearing_sdr_payer", "payer_country_code", "payer_party_id", "outcome_at"),
)

Table(
    "clearing_session",
    schema,
    Column("visited_country_code", String(2), nullable=False),
    Column("visited_party_id", String(3), nullable=False),
    Column("home_country_code", String(2), nullable=False),
    Column("home_party_id", String(3), nullable=False),
    Column("witness", String(4), nullable=False),
    Column("id", String(36), nullable=False),
    Column("session_id", String(36)),
    Column("authorization_reference", String(36)),
    Column("evse_key", String(255)),
    Column("credential_key", String(300)),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("energy", BigInteger, nullable=False),
    Column("cost", BigInteger),
    Column("currency", String(3)),
    Column("authorised", Boolean, nullable=False),
    Column("quoted_most", BigInteger),
    Column("revoked_at", BigInteger),
    Column("max_power_w", Integer),
    Column("received_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint(
        "visited_country_code", "visited_party_id", "home_country_code", "home_party_id", "witness", "id"
    ),
    Index("clearing_session_started", "started_at"),
)

Table(
    "clearing_discrepancy",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("subject", String(8), nullable=False),
    Column("id", String(80), nullable=False),
    Column("kind", String(3), nullable=False),
    Column("payer_country_code", String(2), nullable=False),
    Column("payer_party_id", String(3), nullable=False),
    Column("severity", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("next_step", Text, nullable=False),
    Column("found_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "subject", "id", "kind"),
)

Table(
    "clearing_dispute",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(39), nullable=False),
    Column("payer_country_code", String(2), nullable=False),
    Column("payer_party_id", String(3), nullable=False),
    Column("state", String(16), nullable=False),
    Column("due_at", BigInteger),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("clearing_dispute_due", "due_at"),
)

Table(
    "clearing_total",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("payer_country_code", String(2), nullable=False),
    Column("payer_party_id", String(3), nullable=False),
    Column("day", String(10), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("reported_by", String(6), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint(
        "country_code", "party_id", "payer_country_code", "payer_party_id", "day", "currency", "reported_by"
    ),
)

Table(
    "settlement_obligation",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(48), nullable=False),
    Column("debtor_country_code", String(2), nullable=False),
    Column("debtor_party_id", String(3), nullable=False),
    Column("original_id", String(48)),
    Column("currency", String(3), nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("approved_at", BigInteger, nullable=False),
    Column("batch_id", String(64)),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("settlement_obligation_batch", "batch_id"),
    Index("settlement_obligation_original", "country_code", "party_id", "original_id"),
)

Table(
    "settlement_batch",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(64), nullable=False),
    Column("debtor_country_code", String(2), nullable=False),
    Column("debtor_party_id", String(3), nullable=False),
    Column("agreement_id", String(36), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("cut_off", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_at", BigInteger, nullable=False),
    Column("root", String(64)),
    Column("net", BigInteger),
    Column("gross", BigInteger),
    Column("confirm_by", BigInteger),
    Column("creditor_confirmed_at", BigInteger),
    Column("debtor_confirmed_at", BigInteger),
    Column("netting_id", String(64)),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("settlement_batch_netting", "netting_id"),
    Index("settlement_batch_state", "state", "cut_off"),
)

Table(
    "ledger_line",
    schema,
    Column("reason", String(160), nullable=False),
    Column("line", Integer, nullable=False),
    Column("account", String(80), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("reason", "line"),
    Index("ix_ledger_line_account", "account"),
)

Table(
    "settlement_payment",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("netting_id", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("settled_units", BigInteger, server_default="0", nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "netting_id", "currency"),
)


def upgrade() -> None:
    """Make the new tables."""
    schema.create_all(op.get_bind(), checkfirst=False)
