"""Whether our agreement with a home-CSP lets something new begin at a connector of ours (5.4.6)."""

from sqlalchemy import Connection

from core.endpoint.modules.objects import key_of
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.partner import Partner
from core.endpoint.ports import Command
from core.endpoint.rejection import Rejection
from core.model.credentials import CredentialKind
from core.model.sites import Site
from core.model.tariffs import Tariff
from core.visited_cso.context import Context
from core.visited_cso.sites import load_site
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


def commanded_site(connection: Connection, context: Context, partner: Partner, command: Command) -> Site:
    """The site that a command names.

    Raises Rejection (2003, by OCPI's status codes) where we have no such site, or the agreement does not cover it.
    """
    site = load_site(connection, context, command.site_id or "")
    if site is None or not partner.agreement.has_site(key_of(site)):
        raise Rejection("There is no such location of ours.", status_code=StatusCode.UNKNOWN_LOCATION)
    return site
