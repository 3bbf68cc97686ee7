"""Plug and charge for our drivers (UC3-3): the certificates of their vehicles, and answers to visited-CSOs.

A certificate that we have not kept as issued for the contract charges nothing, however good its chain is.
"""

from collections.abc import Callable
from datetime import datetime

import structlog
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, select, update

from core.endpoint.contract_certificates import TrustAnchors, judge, read_chain
from core.endpoint.extensions.pncauthorizations import PncAsked, PncGranted
from core.endpoint.partner import Partner
from core.endpoint.ports import AuthorisationRequest, AuthorisationVerdict
from core.errors import InvalidInput, NotFound
from core.home_csp.authorising import Authoriser
from core.home_csp.context import Context
from core.home_csp.contracts import admit_vehicle
from core.model.credentials import CredentialKind
from core.model.identifiers import ContractId
from core.model.plug_and_charge import CertificateStatus
from core.store.engine import upsert
from core.store.service_tables import contract_certificate as table

log = structlog.get_logger(__name__)

_REFUSED = AuthorisationVerdict.NOT_ALLOWED


class KeptCertificate(BaseModel):
    """A contract certificate that a vehicle of ours carries; fingerprint: SHA-256 (hex)."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    contract_id: str
    not_after: datetime
    revoked_at: datetime | None = None


async def keep_certificate(context: Context, contract_id: str, chain: tuple[str, ...]) -> KeptCertificate:
    """Know a certificate as issued for a contract: its vehicle may charge from now on.

    chain: PEM, leaf first. Raises InvalidInput (malformed_chain, other_contract, certificate_taken), NotFound.
    """
    contract, read = ContractId.parse(contract_id), read_chain(chain)
    if ContractId.parse(read.emaid).key != contract.key:
        raise InvalidInput(
            f"This certificate is of {read.emaid}, not of {contract}.",
            code="other_contract",
            next_step="Choose the certificate that was issued for this contract.",
        )
    kept = KeptCertificate(
        fingerprint=read.fingerprint, contract_id=contract.key, not_after=read.leaf.not_valid_after_utc
    )

    def write(connection: Connection) -> None:
        admit_vehicle(connection, context, contract)
        row = {
            "country_code": context.party.country_code,
            "party_id": context.party.party_id,
            **kept.model_dump(),
            "kept_at": context.clock.now(),
            "body": "".join(chain),
        }
        upsert(connection, table, row, unless_older=None)

    await context.store.write(write)
    return kept


async def revoke_certificate(context: Context, fingerprint: str) -> KeptCertificate:
    """From now on a certificate charges nothing, whatever revocation lists say. Raises NotFound."""
    now = context.clock.now()

    def write(connection: Connection) -> KeptCertificate:
        of = (table.c.fingerprint == fingerprint) & (table.c.revoked_at.is_(None))
        connection.execute(update(table).where(of).values(revoked_at=now))
        found = _kept(connection, context, fingerprint)
        if found is None:
            raise NotFound("There is no such contract certificate.", code="unknown_certificate")
        return found

    return await context.store.write(write)


class PncAuthoriser:
    """Answers the extension `pncauthorizations`. anchors: what chains have to lead to, looked up anew each time."""

    def __init__(self, context: Context, authoriser: Authoriser, anchors: Callable[[], TrustAnchors]) -> None:
        self._context = context
        self._authoriser = authoriser
        self._anchors = anchors

    async def authorise(self, partner: Partner, asked: PncAsked) -> PncGranted:
        """Whether the vehicle may charge there. An unknown contract is answered as an unknown certificate."""
        status = self._status(asked)
        if status is not CertificateStatus.GOOD:
            log.warning("contract_certificate_refused", partner=partner.id, status=status)
            return PncGranted(_REFUSED, status)
        key = ContractId.parse(asked.evidence.emaid).key
        evse_uids = (asked.evse_uid,) if asked.evse_uid is not None else ()
        request = AuthorisationRequest(key, CredentialKind.EMAID, asked.site_id, evse_uids)
        answer = await self._authoriser.authorise(partner, request)
        if answer is None:
            return PncGranted(_REFUSED, CertificateStatus.UNKNOWN)
        credential = answer.credential.value
        if answer.verdict is not AuthorisationVerdict.ALLOWED:
            return PncGranted(answer.verdict, status)
        return PncGranted(
            verdict=answer.verdict,
            certificate=status,
            reference=answer.authorization_reference,
            country_code=credential.country_code,
            party_id=credential.party_id,
            contract_id=credential.contract_id,
            group_id=credential.group_id,
        )

    def _status(self, asked: PncAsked) -> CertificateStatus:
        status = judge(asked.evidence, self._anchors(), self._context.clock.now())
        if status is not CertificateStatus.GOOD:
            return status
        with self._context.store.read() as connection:
            kept = _kept(connection, self._context, read_chain(asked.evidence.chain).fingerprint)
        if kept is None or kept.contract_id != ContractId.parse(asked.evidence.emaid).key:
            return CertificateStatus.UNKNOWN
        return CertificateStatus.GOOD if kept.revoked_at is None else CertificateStatus.REVOKED


def _kept(connection: Connection, context: Context, fingerprint: str) -> KeptCertificate | None:
    row = connection.execute(
        select(table).where(
            table.c.country_code == context.party.country_code,
            table.c.party_id == context.party.party_id,
            table.c.fingerprint == fingerprint,
        )
    ).first()
    if row is None:
        return None
    return KeptCertificate(
        fingerprint=row.fingerprint, contract_id=row.contract_id, not_after=row.not_after, revoked_at=row.revoked_at
    )
