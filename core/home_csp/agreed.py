"""What our agreements let drivers see and begin (5.4.6): asked once a request, of all partners at once."""

from core.catalogue.keys import SiteKey
from core.driver_messages import Problem
from core.errors import Refused
from core.home_csp.context import Context
from core.model.agreements import PricingOptions
from core.model.credentials import CredentialKind
from core.model.parties import ObjectKey
from core.model.services import Service

NO_AGREEMENT = Problem(
    code="no_agreement",
    message="There is no roaming agreement with this operator",
    next_step="You can look, but not start here with your contract.",
)
ENDED = Problem(
    code="agreement_ended",
    message="The roaming agreement with this operator has ended",
    next_step="Choose another site, or pay on the spot. What is charging goes on and is settled.",
)
NOT_AGREED = Problem(
    code="not_agreed",
    message="Our agreement with this operator does not cover starting from here",
    next_step="Hold your card to the post's reader, or choose another site.",
)


class Agreed:
    """The agreements with connected visited-CSOs as they stand now."""

    def __init__(self, context: Context) -> None:
        self._at = context.endpoint.now()
        self._by_partner = {one.id: one.agreement for one in context.visited_csos()}

    @property
    def partners(self) -> frozenset[str]:
        """With whom a driver can begin something now."""
        return frozenset(id for id in self._by_partner if self.problem(id) is None)

    @property
    def scopes(self) -> tuple[tuple[str, frozenset[SiteKey]], ...]:
        """The sites that an agreement names, by partner, where it does not cover all."""
        return tuple(
            (id, frozenset(map(_site_key, agreement.sites)))
            for id, agreement in self._by_partner.items()
            if agreement.sites is not None
        )

    def shows(self, partner_id: str | None, site: ObjectKey) -> bool:
        """Whether a site may be shown: one that a partner told only where the agreement has it."""
        agreement = self._by_partner.get(partner_id or "")
        return agreement is None or agreement.has_site(site)

    def problem(self, partner_id: str | None, service: Service = Service.REMOTE_START) -> Problem | None:
        """Why a driver cannot begin anything by this service with a partner; None where one can."""
        agreement = self._by_partner.get(partner_id or "")
        if agreement is None:
            return NO_AGREEMENT
        if agreement.has_ended(self._at):
            return ENDED
        if not agreement.holds(self._at):
            return NO_AGREEMENT
        if not agreement.covers(service, self._at) or not agreement.admits(CredentialKind.APP_USER):
            return NOT_AGREED
        return None

    def require(self, partner_id: str | None, service: Service = Service.REMOTE_START) -> None:
        """Raise Refused (no_agreement, agreement_ended, not_agreed) where a driver cannot begin anything there."""
        problem = self.problem(partner_id, service)
        if problem is not None:
            raise Refused(problem.message, code=problem.code, next_step=problem.next_step)

    def options(self, partner_id: str | None) -> PricingOptions:
        """How sessions with a partner are priced."""
        agreement = self._by_partner.get(partner_id or "")
        return PricingOptions() if agreement is None else agreement.pricing


def _site_key(text: str) -> SiteKey:
    party, _, id = text.partition("/")
    country_code, _, party_id = party.partition("*")
    return SiteKey(country_code, party_id, id)
