"""Sites of visited-CSOs as the home-CSP knows them: told by push (UC1-2, UC1-3), repaired by pull."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, exists, select, update

from core.catalogue.conditions import EVSE_OF_SITE
from core.catalogue.writing import EvseKey, ToldStatus, write_site, write_status
from core.endpoint.partner import Partner
from core.endpoint.ports import DATED_AHEAD, Held, StatusChange
from core.errors import InvalidInput
from core.home_csp.context import Context
from core.model.parties import ObjectKey, Party
from core.model.sites import Business, Site
from core.store.engine import append_event
from core.store.prepared import Prepared
from core.store.tables import evse
from core.store.tables import site as table

MOST_AHEAD = timedelta(days=1)
"""How far ahead of our clock a partner may date what it tells [J]: clocks are wrong by hours, and what is dated beyond
that would silence every true word after it."""

# Run with every status that comes.
_BODY = Prepared(
    select(table.c.body).where(
        table.c.country_code == bindparam("country_code"),
        table.c.party_id == bindparam("party_id"),
        table.c.id == bindparam("id"),
        table.c.partner_id == bindparam("partner"),
    )
)


class SiteReceiver:
    """Keeps partners' sites."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        """The stored JSON text of a site of this partner."""
        with self._context.store.read() as connection:
            named = {"country_code": key.country_code, "party_id": key.party_id, "id": key.id}
            body: str | None = _BODY.scalar(connection, named | {"partner": partner.id})
        return body

    async def put(self, partner: Partner, key: ObjectKey, held: Held[Site]) -> None:
        """A site, new or changed. Raises InvalidInput (dated_ahead) where it, or its equipment, is dated ahead."""
        now = self._context.clock.now()
        _require_dated(now, max([held.value.last_updated, *(one.last_updated for one in held.value.equipment)]))
        site = _with_operator(held.value, partner)

        def write(connection: Connection) -> None:
            source = f"partner:{partner.id}"
            write_site(connection, site, held.body, partner_id=partner.id, source=source, heard_at=now)
            append_event(connection, stream="sites", kind="site", at=now, body=key)

        await self._context.store.write(write)

    async def put_status(self, partner: Partner, site: ObjectKey, change: StatusChange) -> None:
        """The status of one piece of equipment; nothing else of its site is new. Raises InvalidInput (dated_ahead)."""
        now = self._context.clock.now()
        _require_dated(now, change.at)
        evse_key = EvseKey(site.country_code, site.party_id, site.id, change.evse_uid)
        told = ToldStatus(change.status, change.at, change.body, change.site_updated)

        def write(connection: Connection) -> None:
            write_status(connection, evse_key, told, heard_at=now)
            append_event(connection, stream="sites", kind="site", at=now, body=site)

        await self._context.store.write(write)


async def confirm_statuses(context: Context, partner: Partner, at: datetime) -> None:
    """A partner has just told all that changed: every other status of its sites holds as of now, too (UC1-3)."""

    theirs = exists().where(EVSE_OF_SITE, table.c.partner_id == partner.id)

    def write(connection: Connection) -> None:
        connection.execute(update(evse).where(evse.c.status_at < at, theirs).values(status_at=at))

    await context.store.write(write)


def _require_dated(now: datetime, at: datetime) -> None:
    if at > now + MOST_AHEAD:
        raise InvalidInput(f"last_updated is {at:%Y-%m-%d}, which has not come yet.", code=DATED_AHEAD)


def _with_operator(site: Site, partner: Partner) -> Site:
    """A site that names no operator is that of the party in the partner's credentials (OCPI 2.2.1, loc:482)."""
    name = next((one.name for one in partner.roles if one.party == Party.of(site.country_code, site.party_id)), "")
    return site if site.operator is not None or not name else site.model_copy(update={"operator": Business(name=name)})
