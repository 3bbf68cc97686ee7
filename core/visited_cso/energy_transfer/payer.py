"""Who pays for a session, as partners name it."""

from core.model.credentials import CredentialKind, CredentialReference
from core.model.session import ServiceSession


def credential_of(session: ServiceSession) -> CredentialReference:
    """The credential with which it began."""
    return CredentialReference(
        country_code=session.home.country_code,
        party_id=session.home.party_id,
        uid=session.credential_uid,
        kind=CredentialKind(session.credential_kind),
        contract_id=session.contract_id,
    )
