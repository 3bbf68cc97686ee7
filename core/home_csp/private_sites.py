"""Private sites: shown to those whom their operator names, found by nobody else (OCPI rules, 13)."""

from sqlalchemy import Connection, select

from core.catalogue.keys import SiteKey
from core.home_csp.context import Context
from core.model.credentials import Credential
from core.model.sites import Site
from core.store.tables import credential
from core.store.tables import site as table


def private_sites_of(connection: Connection, context: Context, contract_id: str | None) -> frozenset[SiteKey]:
    """The private sites that may be shown to the holder of a contract; none to a stranger."""
    held = _credentials(connection, context, contract_id)
    if not held:
        return frozenset()
    rows = connection.execute(
        select(table.c.country_code, table.c.party_id, table.c.id, table.c.body).where(
            table.c.published.is_(False), table.c.removed.is_(False)
        )
    )
    return frozenset(
        SiteKey(row.country_code, row.party_id, row.id)
        for row in rows
        if _may_be_shown(context.reader.site(row.body), held)
    )


def may_see(connection: Connection, context: Context, site: Site, contract_id: str | None) -> bool:
    """Whether the holder of a contract, or a stranger, may be shown the site."""
    return site.publish or _may_be_shown(site, _credentials(connection, context, contract_id))


def _may_be_shown(site: Site, held: list[Credential]) -> bool:
    return any(site.may_be_shown_to(one) for one in held)


def _credentials(connection: Connection, context: Context, contract_id: str | None) -> list[Credential]:
    """The valid credentials of one of our contracts."""
    if contract_id is None:
        return []
    rows = connection.execute(
        select(credential.c.body).where(
            credential.c.partner_id.is_(None), credential.c.contract_id == contract_id, credential.c.valid.is_(True)
        )
    )
    return [context.reader.credential(body) for body in rows.scalars()]
