"""Whether our agreement with a home-CSP lets something new begin at a connector of ours (5.4.6)."""

from core.endpoint.modules.objects import key_of
from core.endpoint.partner import Partner
from core.model.credentials import CredentialKind
from core.model.sites import Site
from core.model.tariffs import Tariff
from core.visited_cso.context import Context
from core.visited_cso.tariffs import is_agreed


def may_begin(
    context: Context, partner: Partner | None, site: Site, tariffs: tuple[Tariff, ...], kind: CredentialKind
) -> bool:
    """Whether it holds now and covers the site, the tariff there with its currency, and credentials of this kind."""
    if partner is None:
        return False
    agreement = partner.agreement
    return (
        agreement.holds(context.endpoint.now())
        and agreement.has_site(key_of(site))
        and agreement.admits(kind)
        and all(is_agreed(partner, one) for one in tariffs)
    )
