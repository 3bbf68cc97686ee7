"""The tables of a clearing house: witnesses' records, what was found, disputes, obligations, batches, ledger, payments.

Keys begin with a party: the operator (visited-CSO, creditor) where two are named.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from core.store.columns import Energy, Moment, Money, Watts
from core.store.tables import metadata
from core.store.wire_text import Body


def _key() -> tuple[Column[str], Column[str]]:
    return Column("country_code", String(2), primary_key=True), Column("party_id", String(3), primary_key=True)


def _party(prefix: str, *, key: bool = False) -> tuple[Column[str], Column[str]]:
    return (
        Column(f"{prefix}_country_code", String(2), primary_key=key, nullable=False),
        Column(f"{prefix}_party_id", String(3), primary_key=key, nullable=False),
    )


clearing_terms = Table(
    "clearing_terms",
    metadata,
    *_key(),
    *_party("debtor", key=True),
    Column("body", Text, nullable=False),
)

clearing_sdr = Table(
    "clearing_sdr",
    metadata,
    *_key(),
    Column("id", String(39), primary_key=True),
    *_party("payer"),
    Column("partner_id", String(36)),
    Column("session_id", String(36)),
    Column("authorization_reference", String(36)),
    Column("evse_key", String(255)),
    Column("credential_key", String(300), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("references_id", String(39)),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=False),
    Column("energy", Energy, nullable=False),
    Column("before_taxes", Money, nullable=False),
    Column("with_taxes", Money),
    Column("currency", String(3), nullable=False),
    Column("meter_start", Energy),
    Column("meter_end", Energy),
    Column("content_hash", String(64), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("outcome_at", Moment, nullable=False),
    Column("outcome_by", String(64), nullable=False),
    Column("due_at", Moment),
    Column("matched_with", String(80)),
    Column("matched_by", Integer),
    Column("released", Text, nullable=False, server_default="[]"),
    Column("remarks", Text, nullable=False, server_default="[]"),
    Column("body", Body, nullable=False),
)
Index("clearing_sdr_outcome", clearing_sdr.c.outcome, clearing_sdr.c.ended_at)
Index("clearing_sdr_ended", clearing_sdr.c.ended_at)
Index("clearing_sdr_payer", clearing_sdr.c.payer_country_code, clearing_sdr.c.payer_party_id, clearing_sdr.c.outcome_at)

clearing_session = Table(
    "clearing_session",
    metadata,
    *_party("visited", key=True),
    *_party("home", key=True),
    Column("witness", String(4), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("session_id", String(36)),
    Column("authorization_reference", String(36)),
    Column("evse_key", String(255)),
    Column("credential_key", String(300)),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("energy", Energy, nullable=False),
    Column("cost", Money),
    Column("currency", String(3)),
    Column("authorised", Boolean, nullable=False),
    Column("quoted_most", Money),
    Column("revoked_at", Moment),
    Column("max_power_w", Watts),
    Column("received_at", Moment, nullable=False),
    Column("body", Text, nullable=False),
)
Index("clearing_session_started", clearing_session.c.started_at)

clearing_discrepancy = Table(
    "clearing_discrepancy",
    metadata,
    *_key(),
    Column("subject", String(8), primary_key=True),
    Column("id", String(80), primary_key=True),
    Column("kind", String(3), primary_key=True),
    *_party("payer"),
    Column("severity", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("next_step", Text, nullable=False),
    Column("found_at", Moment, nullable=False),
)

clearing_dispute = Table(
    "clearing_dispute",
    metadata,
    *_key(),
    Column("id", String(39), primary_key=True),
    *_party("payer"),
    Column("state", String(16), nullable=False),
    Column("due_at", Moment),
    Column("body", Text, nullable=False),
)
Index("clearing_dispute_due", clearing_dispute.c.due_at)

clearing_total = Table(
    "clearing_total",
    metadata,
    *_key(),
    *_party("payer", key=True),
    Column("day", String(10), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("reported_by", String(6), primary_key=True),
    Column("received_at", Moment, nullable=False),
    Column("body", Text, nullable=False),
)

settlement_obligation = Table(
    "settlement_obligation",
    metadata,
    *_key(),
    Column("id", String(48), primary_key=True),
    *_party("debtor"),
    Column("original_id", String(48)),
    Column("currency", String(3), nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("approved_at", Moment, nullable=False),
    Column("batch_id", String(64)),
    Column("body", Text, nullable=False),
)
Index("settlement_obligation_batch", settlement_obligation.c.batch_id)
Index(
    "settlement_obligation_original",
    settlement_obligation.c.country_code,
    settlement_obligation.c.party_id,
    settlement_obligation.c.original_id,
)

settlement_batch = Table(
    "settlement_batch",
    metadata,
    *_key(),
    Column("id", String(64), primary_key=True),
    *_party("debtor"),
    Column("agreement_id", String(36), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("cut_off", Moment, nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_at", Moment, nullable=False),
    Column("root", String(64)),
    Column("net", BigInteger),
    Column("gross", BigInteger),
    Column("confirm_by", Moment),
    Column("creditor_confirmed_at", Moment),
    Column("debtor_confirmed_at", Moment),
    Column("netting_id", String(64)),
)
Index("settlement_batch_state", settlement_batch.c.state, settlement_batch.c.cut_off)
Index("settlement_batch_netting", settlement_batch.c.netting_id)

ledger_line = Table(
    "ledger_line",
    metadata,
    Column("reason", String(160), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("account", String(80), nullable=False, index=True),
    Column("currency", String(3), nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
)

settlement_payment = Table(
    "settlement_payment",
    metadata,
    *_key(),
    Column("netting_id", String(64), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("units", BigInteger, nullable=False),
    Column("settled_units", BigInteger, nullable=False, server_default="0"),
    Column("state", String(16), nullable=False),
    Column("state_at", Moment, nullable=False),
)
"""units: negative is paid by the party to the settlement account, positive is paid out to it."""
