"""Lists that partners ask for in pages have an index that holds what a page and its count need."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_REPLACED = {
    "site": ["site_updated"],
    "tariff": ["ix_tariff_last_updated"],
    "credential": ["ix_credential_last_updated", "ix_credential_partner_id"],
    "service_session": ["ix_service_session_last_updated", "ix_service_session_partner_id"],
    "sdr": ["ix_sdr_last_updated", "ix_sdr_partner_id"],
    "sdr_verdict": ["ix_sdr_verdict_last_updated", "ix_sdr_verdict_partner_id"],
}
_LISTED = {
    "site": ["country_code", "party_id", "source", "last_updated", "id"],
    "tariff": ["country_code", "party_id", "last_updated", "id"],
    "credential": ["partner_id", "last_updated", "uid", "kind"],
    "service_session": ["partner_id", "last_updated", "id"],
    "sdr": ["partner_id", "last_updated", "id"],
    "sdr_verdict": ["partner_id", "last_updated", "country_code", "party_id", "id"],
}


def upgrade() -> None:
    """One index a list instead of those by partner and by moment alone."""
    for table, names in _REPLACED.items():
        for name in names:
            op.drop_index(name, table)
    for table, columns in _LISTED.items():
        op.create_index(f"{table}_listed", table, columns)
