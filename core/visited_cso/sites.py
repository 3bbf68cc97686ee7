"""The visited-CSO's own sites: published (UC1-2), their status kept true and told (UC1-3), listed for partners."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Select, select

from core.catalogue.writing import write_site
from core.endpoint.exchange import Page, PageRequest
from core.endpoint.listing import ScopedListing
from core.endpoint.partner import Partner
from core.model.agreement_terms import ids_within
from core.model.parties import ObjectKey
from core.model.sites import EvSupplyEquipment, Site, Status
from core.store.engine import append_event
from core.store.tables import evse
from core.store.tables import site as table
from core.visited_cso.context import Context
from core.visited_cso.equipment import EvseState

SOURCE = "own"

_STATUS = {
    EvseState.RESERVED: Status.RESERVED,
    EvseState.CHARGING: Status.CHARGING,
    EvseState.SUSPENDED_EV: Status.CHARGING,
    EvseState.SUSPENDED_EVSE: Status.CHARGING,
    EvseState.FINISHING: Status.CHARGING,
    EvseState.FAULTED: Status.OUTOFORDER,
    EvseState.OFFLINE: Status.UNKNOWN,
}


def status_of(state: EvseState, *, occupied: bool) -> Status:
    """The status to tell. A cable plugged in without a session does not hinder a start: such equipment is available."""
    if state in {EvseState.AVAILABLE, EvseState.PREPARING}:
        return Status.CHARGING if occupied else Status.AVAILABLE
    return _STATUS[state]


async def publish(context: Context, sites: Iterable[Site]) -> None:
    """Put sites into the store, as new or changed, and mark them for every home-CSP (UC1-2)."""

    def write(connection: Connection) -> None:
        for site in sites:
            _keep(connection, context, site)

    await context.store.write(write)


def load_site(connection: Connection, context: Context, site_id: str) -> Site | None:
    """One of our sites, as last published."""
    body = connection.execute(_own(context).where(table.c.id == site_id)).scalar()
    return None if body is None else context.reader.site(body)


def set_status(connection: Connection, context: Context, evse_uid: str, status: Status, at: datetime) -> None:
    """Change the status of one EVSE, where it is another one, and mark it for every home-CSP."""
    row = connection.execute(
        select(evse.c.site_id, evse.c.status).where(
            evse.c.country_code == context.party.country_code,
            evse.c.party_id == context.party.party_id,
            evse.c.uid == evse_uid,
        )
    ).first()
    site = None if row is None or row.status == status else load_site(connection, context, row.site_id)
    if site is None:
        return
    _keep(connection, context, with_status(site, evse_uid, status, at), changed_evse=evse_uid)
    append_event(
        connection, stream=f"evse/{evse_uid}", kind="status", at=at, body={"evse_uid": evse_uid, "status": status}
    )


def with_status(site: Site, evse_uid: str, status: Status, at: datetime) -> Site:
    """The site with one EVSE in another status; the change also dates the site."""

    def changed(one: EvSupplyEquipment) -> EvSupplyEquipment:
        return one.model_copy(update={"status": status, "last_updated": at}) if one.uid == evse_uid else one

    return site.model_copy(update={"equipment": tuple(map(changed, site.equipment)), "last_updated": at})


def _keep(connection: Connection, context: Context, site: Site, *, changed_evse: str | None = None) -> None:
    write_site(connection, site, context.writer.site(site), partner_id=None, source=SOURCE)
    module, id = ("sites", site.id) if changed_evse is None else ("statuses", f"{site.id}/{changed_evse}")
    key = ObjectKey(country_code=site.country_code, party_id=site.party_id, id=id)
    context.outbox.mark(connection, [one.id for one in context.home_csps()], module, key)


def _own(context: Context) -> Select[str]:
    return select(table.c.body).where(
        table.c.country_code == context.party.country_code,
        table.c.party_id == context.party.party_id,
        table.c.source == SOURCE,
    )


class SiteSource:
    """Lists our sites for home-CSPs. A private site is shown to nobody who is not named (publish rules)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._listing = ScopedListing(_own(context), table.c.last_updated, (table.c.id,), {"ids": table.c.id})

    async def page(self, partner: Partner, request: PageRequest) -> Page:
        """Our sites in order of last_updated: those that the agreement covers."""
        ids = ids_within(partner.agreement.sites, self._context.party)
        with self._context.store.read() as connection:
            return self._listing.page(connection, request, ids=ids)

    async def one(self, partner: Partner, id: str) -> str | None:
        """One site."""
        ids = ids_within(partner.agreement.sites, self._context.party)
        if ids is not None and id not in ids:
            return None
        with self._context.store.read() as connection:
            return connection.execute(_own(self._context).where(table.c.id == id)).scalar()
