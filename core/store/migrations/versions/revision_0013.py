"""What two members of a clearing house have signed, and the terms of their pair in the words of an agreement."""

import json

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text, select, update

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

schema = MetaData()

Table(
    "hub_agreement_version",
    schema,
    Column("hash", String(64), nullable=False),
    Column("agreement_id", String(36), nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("one_country_code", String(2), nullable=False),
    Column("one_party_id", String(3), nullable=False),
    Column("other_country_code", String(2), nullable=False),
    Column("other_party_id", String(3), nullable=False),
    Column("one_signature", Text, nullable=False),
    Column("other_signature", Text, nullable=False),
    Column("in_force_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
    Column("ended_by", String(8)),
    Column("end_signature", Text),
    PrimaryKeyConstraint("hash"),
)

_agreement = Table("hub_agreement", MetaData(), Column("body", Text))
_SWITCH = ("modules", "ask_without_receiver", "announce", "store_and_forward")
_TERMS = ("services", "prefixes_bind", "valid_from", "valid_until")


def upgrade() -> None:
    """Make the new table, and write what the operator had set as terms of an agreement."""
    connection = op.get_bind()
    schema.create_all(connection, checkfirst=False)
    for body in connection.scalars(select(_agreement.c.body)).all():
        old = json.loads(body)
        terms = {name: old[name] for name in _TERMS if name in old}
        terms["switch"] = {name: old[name] for name in _SWITCH if name in old}
        new = json.dumps({"one": old["one"], "other": old["other"], "terms": terms})
        connection.execute(update(_agreement).where(_agreement.c.body == body).values(body=new))
