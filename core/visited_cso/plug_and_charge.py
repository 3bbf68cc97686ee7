"""Plug and charge at our stations (UC3-3): the certificate is judged here, the contract by its home-CSP.

The home-CSP is found by the country and party that the EMAID begins with. One that agreed to the extension sees the
certificate; another is asked by EMAID alone, where the agreement takes plug and charge.
"""

from collections.abc import Callable

import structlog

from core.endpoint.contract_certificates import TrustAnchors, judge
from core.endpoint.extensions import pncauthorizations
from core.endpoint.extensions.pncauthorizations import PncAsked, PncGranted
from core.endpoint.partner import Partner
from core.endpoint.ports import AuthorisationVerdict
from core.errors import EvroamError, InvalidInput, Unreachable
from core.model.authorisation import LocalOutcome
from core.model.credentials import CredentialKind, CredentialReference, IdentificationMethod
from core.model.identification import IdentificationMethodType
from core.model.identifiers import ContractId
from core.model.parties import Party
from core.model.plug_and_charge import CertificateStatus, ContractEvidence
from core.model.services import Service
from core.visited_cso.context import Context
from core.visited_cso.grant import Grant, Presented
from core.visited_cso.identification import VERDICTS, Identification, Place

log = structlog.get_logger(__name__)

_MEANS = IdentificationMethodType.PLUG_AND_CHARGE


def presented_by_vehicle(emaid: str) -> Presented:
    """An EMAID as sessions keep it; one that is none is kept as it is said, to be refused."""
    try:
        return Presented(ContractId.parse(emaid).key, _MEANS)
    except InvalidInput:
        return Presented(emaid, _MEANS)


class PlugAndCharge:
    """Finds out who pays for a vehicle. anchors: what is trusted, looked up anew each time, as lists change."""

    def __init__(self, context: Context, identification: Identification, anchors: Callable[[], TrustAnchors]) -> None:
        self._context = context
        self._identification = identification
        self._anchors = anchors

    async def identify(self, evidence: ContractEvidence, place: Place) -> Grant | LocalOutcome:
        """A grant, or why there is none. Nothing is asked of anybody about a certificate that is not trusted."""
        status = judge(evidence, self._anchors(), self._context.clock.now())
        if status is not CertificateStatus.GOOD:
            log.warning("contract_certificate_refused", status=status, evse=place.evse_uid)
            return LocalOutcome.CERTIFICATE
        partner = self._home_csp(evidence.emaid)
        if partner is None:
            return LocalOutcome.UNKNOWN
        if not partner.agreement.covers(Service.PLUG_AND_CHARGE, self._context.endpoint.now()):
            return await self._identification.ask_one(partner, presented_by_vehicle(evidence.emaid), place)
        try:
            asked = PncAsked(evidence, place.site_id, place.evse_uid)
            granted = await pncauthorizations.ask(self._context.calls, partner, asked)
        except Unreachable:
            log.warning("identification_not_answered", partner=partner.id)
            return LocalOutcome.NO_ANSWER
        except EvroamError as error:
            log.warning("identification_refused", partner=partner.id, code=error.code)
            return LocalOutcome.NOT_ALLOWED
        return self._grant(partner, evidence, granted)

    def _home_csp(self, emaid: str) -> Partner | None:
        named = ContractId.parse(emaid).party_id
        party = Party.parse(str(named))
        return next((one for one in self._context.home_csps() if one.speaks_for(party)), None)

    def _grant(self, partner: Partner, evidence: ContractEvidence, granted: PncGranted) -> Grant | LocalOutcome:
        if granted.certificate is not CertificateStatus.GOOD:
            return LocalOutcome.CERTIFICATE
        if granted.verdict is not AuthorisationVerdict.ALLOWED:
            return VERDICTS[granted.verdict]
        try:
            payer = Party.of(granted.country_code, granted.party_id)
            same = ContractId.parse(granted.contract_id).key == ContractId.parse(evidence.emaid).key
        except (ValueError, InvalidInput):
            same, payer = False, self._context.party
        if not same or not partner.speaks_for(payer):
            log.error("identification_of_another", partner=partner.id)
            return LocalOutcome.NOT_ALLOWED
        reference = CredentialReference(
            country_code=payer.country_code,
            party_id=payer.party_id,
            uid=ContractId.parse(evidence.emaid).key,
            kind=CredentialKind.EMAID,
            contract_id=granted.contract_id,
        )
        return Grant(
            partner.id, reference, _MEANS, IdentificationMethod.AUTH_REQUEST, granted.group_id, granted.reference
        )
