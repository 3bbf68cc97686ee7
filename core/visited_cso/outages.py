"""Maintenance and outages of our equipment (UC5-1): announced, kept true in the status, ended.

An announcement sets the status of what it is about from its begin on (UC1-3), so that a partner on plain OCPI learns
the effect; who agreed to notices learns the rest: cause, end, and which of its own sessions run there.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, Select, select

from core.endpoint.exchange import Page, PageRequest
from core.endpoint.extensions import servicenotices
from core.endpoint.listing import Listing
from core.endpoint.partner import Partner
from core.errors import InvalidInput, NotFound
from core.model.notices import Notice, NoticeKind
from core.model.parties import ObjectKey
from core.model.services import Service
from core.model.sites import Site, Status
from core.store.engine import append_event, upsert
from core.store.service_tables import notice as table
from core.store.sessions import load_open
from core.store.tables import evse, site
from core.visited_cso.context import Context
from core.visited_cso.sites import SOURCE, load_site, set_status, status_of


def announce(connection: Connection, context: Context, notice: Notice) -> Notice:
    """Keep a notice as the next version of its id, mark it for who agreed to notices, and let statuses follow.

    Raises InvalidInput (unknown_site, unknown_evse, unknown_connector, unknown_notice, notice_ended).
    """
    before = load_notice(connection, context, notice.id)
    if before is None and notice.ended:
        raise InvalidInput("There is no such notice to end.", code="unknown_notice")
    if before is not None and before.ended:
        raise InvalidInput("This notice has ended.", code="notice_ended", next_step="Announce a new one.")
    _check_scope(connection, context, notice)
    now = context.clock.now()
    kept = notice.model_copy(update={"version": before.version + 1 if before else 1, "last_updated": now})
    upsert(connection, table, _row(kept), unless_older=None)
    agreed = [one.id for one in context.home_csps() if one.agreement.finishes(Service.NOTICES)]
    context.outbox.mark(connection, agreed, servicenotices.KIND, kept.key)
    append_event(connection, stream="notices", kind="notice", at=now, body=kept)
    apply_statuses(connection, context, before, kept)
    return kept


def end(connection: Connection, context: Context, notice_id: str) -> Notice:
    """What a notice announced is over. Raises NotFound, InvalidInput (notice_ended)."""
    before = load_notice(connection, context, notice_id)
    if before is None:
        raise NotFound("There is no such notice.", code="unknown_notice")
    return announce(connection, context, before.model_copy(update={"kind": NoticeKind.RESTORED}))


def load_notice(connection: Connection, context: Context, notice_id: str) -> Notice | None:
    """One of our notices in its current version."""
    body = connection.execute(_own(context).where(table.c.id == notice_id)).scalar()
    return None if body is None else servicenotices.NOTICE.read(body).value


def notices(connection: Connection, context: Context) -> list[Notice]:
    """Our notices that have not ended, by their begin."""
    query = _own(context).where(table.c.kind != NoticeKind.RESTORED).order_by(table.c.begins_at, table.c.id)
    return [servicenotices.NOTICE.read(body).value for body in connection.execute(query).scalars()]


def is_withdrawn(connection: Connection, context: Context, site_id: str, evse_uid: str, at: datetime) -> bool:
    """Whether an announcement takes back every reservation of this EVSE that would begin at that moment."""
    return any(one.takes_back(context.party, site_id, evse_uid, at) for one in notices(connection, context))


def status_to_tell(connection: Connection, context: Context, evse_uid: str, heard: Status, at: datetime) -> Status:
    """The status of an EVSE: what its station says, unless an announcement puts it out of service.

    A session that runs goes on, and its equipment stays CHARGING until it is free.
    """
    current = [] if heard in {Status.CHARGING, Status.OUTOFORDER} else notices(connection, context)
    if not current:
        return heard
    site_id = connection.execute(
        select(evse.c.site_id).where(
            evse.c.country_code == context.party.country_code,
            evse.c.party_id == context.party.party_id,
            evse.c.uid == evse_uid,
        )
    ).scalar()
    announced = (
        one.status_at(at) for one in current if site_id is not None and one.concerns(context.party, site_id, evse_uid)
    )
    return next((status for status in announced if status is not None), heard)


def apply_statuses(connection: Connection, context: Context, *concerned: Notice | None) -> None:
    """Set the status of the equipment that these notices are about to what holds now."""
    now = context.clock.now()
    held = {kept.session.evse_uid for kept in load_open(connection, context.party)}
    for one in filter(None, concerned):
        for evse_uid in _equipment(connection, context, one):
            heard = status_of(context.equipment.evse_state(evse_uid), occupied=evse_uid in held)
            set_status(connection, context, evse_uid, status_to_tell(connection, context, evse_uid, heard, now), now)


async def keep_statuses(context: Context) -> None:
    """Let the statuses follow announcements whose begin or expected end has come."""

    def write(connection: Connection) -> None:
        apply_statuses(connection, context, *notices(connection, context))

    with context.store.read() as connection:
        anything = bool(notices(connection, context))
    if anything:
        await context.store.write(write)


class NoticeSource:
    """Lists our notices for home-CSPs, without sessions: what runs is told to each by push."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._listing = Listing(_own(context), table.c.last_updated, (table.c.id,))

    async def page(self, partner: Partner, request: PageRequest) -> Page:
        """Our notices in order of last_updated."""
        with self._context.store.read() as connection:
            return self._listing.page(connection, request)

    async def one(self, partner: Partner, id: str) -> str | None:
        """One notice."""
        with self._context.store.read() as connection:
            return connection.execute(_own(self._context).where(table.c.id == id)).scalar()


class NoticePush:
    """Sends a marked notice to a home-CSP, with the sessions of its own drivers that run there."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, partner: Partner, key: ObjectKey) -> None:
        """Send it in its current version. Raises what the call raises."""
        with self._context.store.read() as connection:
            found = load_notice(connection, self._context, key.id)
            running = [
                kept.session.id
                for kept in load_open(connection, self._context.party)
                if kept.partner_id == partner.id
                and found is not None
                and found.concerns(self._context.party, kept.session.site_id, kept.session.evse_uid)
            ]
        if found is not None:
            told = found.model_copy(update={"session_ids": tuple(running)})
            await servicenotices.put_notice(self._context.endpoint.calls, partner, told)


def _check_scope(connection: Connection, context: Context, notice: Notice) -> None:
    if notice.site_id is None:
        return
    known = load_site(connection, context, notice.site_id)
    if known is None:
        raise InvalidInput("There is no such site of ours.", code="unknown_site")
    for uid in notice.evse_uids:
        _check_equipment(known, uid, notice.connector_id)


def _check_equipment(known: Site, evse_uid: str, connector_id: str | None) -> None:
    equipment = known.find_equipment(evse_uid)
    if equipment is None:
        raise InvalidInput("There is no such EVSE at this site.", code="unknown_evse")
    if connector_id is not None and all(one.id != connector_id for one in equipment.connectors):
        raise InvalidInput("There is no such connector at this EVSE.", code="unknown_connector")


def _equipment(connection: Connection, context: Context, notice: Notice) -> Iterator[str]:
    if notice.evse_uids:
        yield from notice.evse_uids
        return
    own = (site.c.country_code == evse.c.country_code) & (site.c.party_id == evse.c.party_id)
    query = (
        select(evse.c.uid)
        .join(site, own & (site.c.id == evse.c.site_id))
        .where(
            evse.c.country_code == context.party.country_code,
            evse.c.party_id == context.party.party_id,
            site.c.source == SOURCE,
            evse.c.status.not_in([Status.REMOVED, Status.PLANNED]),
        )
    )
    if notice.site_id is not None:
        query = query.where(evse.c.site_id == notice.site_id)
    yield from connection.execute(query).scalars().all()


def _row(notice: Notice) -> dict[str, object]:
    return {
        "country_code": notice.country_code,
        "party_id": notice.party_id,
        "id": notice.id,
        "partner_id": None,
        "version": notice.version,
        "kind": notice.kind,
        "site_id": notice.site_id,
        "begins_at": notice.begin,
        "last_updated": notice.last_updated,
        "body": servicenotices.NOTICE.write(notice),
    }


def _own(context: Context) -> Select[str]:
    return select(table.c.body).where(
        table.c.country_code == context.party.country_code,
        table.c.party_id == context.party.party_id,
        table.c.partner_id.is_(None),
    )
