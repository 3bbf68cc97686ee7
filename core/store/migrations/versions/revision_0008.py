"""Bodies stand behind the version of the wire in which they are written; until now that was always 2.2.1."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BODIES = (
    ("site", "body"),
    ("tariff", "body"),
    ("credential", "body"),
    ("sdr", "body"),
    ("clearing_sdr", "body"),
    ("service_session", "partner_body"),
)


def upgrade() -> None:
    """Put the version in front of every body."""
    for table, column in _BODIES:
        op.execute(f"UPDATE {table} SET {column} = '2.2.1 ' || {column} WHERE {column} IS NOT NULL")  # noqa: S608 - constants
