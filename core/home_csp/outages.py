"""Notices of visited-CSOs (UC5-1): kept in their newest version, and told to the drivers whom they concern."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, or_, select

from core.driver_messages.notices import NoticeView
from core.endpoint.extensions import servicenotices
from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.errors import InvalidInput
from core.home_csp.context import Context
from core.home_csp.energy_transfer.record import stream_of
from core.model.notices import Notice, NoticeKind
from core.model.parties import ObjectKey, Party
from core.store.engine import append_event, upsert
from core.store.prepared import Prepared
from core.store.service_tables import notice as table
from core.store.sessions import load_open
from core.store.tables import site

# Asked with every look at a session.
_OF_SITE = Prepared(
    select(table.c.body)
    .where(
        table.c.country_code == bindparam("country_code"),
        table.c.party_id == bindparam("party_id"),
        table.c.kind != NoticeKind.RESTORED,
        or_(table.c.site_id.is_(None), table.c.site_id == bindparam("site_id")),
    )
    .order_by(table.c.begins_at, table.c.id)
)


class NoticeReceiver:
    """Implements the endpoint's NoticeReceiver."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        """The stored JSON text of a notice of this partner."""
        with self._context.store.read() as connection:
            return _stored(connection, partner, key)

    async def put(self, partner: Partner, key: ObjectKey, held: Held[Notice]) -> None:
        """A new version of a notice; the same or an older one changes nothing.

        Raises InvalidInput: unknown_site, unknown_evse, unknown_notice (ended, but never announced),
        version_conflict (a version that we have, with other content).
        """
        await self._context.store.write(lambda connection: self._keep(connection, partner, held))

    async def repair(self, partner: Partner) -> None:
        """Ask for what was announced while we or the partner were away; what ended meanwhile unheard is no news."""
        with self._context.store.read() as connection:
            since: datetime | None = connection.execute(
                select(func.max(table.c.last_updated)).where(table.c.partner_id == partner.id)
            ).scalar()
        async for held in servicenotices.pull_notices(self._context.calls, partner, since):
            if not held.value.ended or await self.held(partner, held.value.key) is not None:
                await self.put(partner, held.value.key, held)

    def _keep(self, connection: Connection, partner: Partner, held: Held[Notice]) -> None:
        notice = held.value
        stored = _stored(connection, partner, notice.key)
        before = None if stored is None else servicenotices.NOTICE.read(stored).value
        if before is None and notice.ended:
            raise InvalidInput("This notice was never announced.", code="unknown_notice")
        if before is not None and not notice.supersedes(before):
            _require_same(notice, before)
            return
        self._require_own_equipment(connection, partner, notice)
        row = {
            "country_code": notice.country_code,
            "party_id": notice.party_id,
            "id": notice.id,
            "partner_id": partner.id,
            "version": notice.version,
            "kind": notice.kind,
            "site_id": notice.site_id,
            "begins_at": notice.begin,
            "last_updated": notice.last_updated,
            "body": held.body,
        }
        upsert(connection, table, row, unless_older=None)
        self._tell(connection, notice)

    def _require_own_equipment(self, connection: Connection, partner: Partner, notice: Notice) -> None:
        if notice.site_id is None:
            return
        body = connection.execute(
            select(site.c.body).where(
                site.c.country_code == notice.country_code,
                site.c.party_id == notice.party_id,
                site.c.id == notice.site_id,
                site.c.partner_id == partner.id,
            )
        ).scalar()
        if body is None:
            raise InvalidInput("This site is not known here.", code="unknown_site")
        known = self._context.reader.site(body)
        if any(known.find_equipment(uid) is None for uid in notice.evse_uids):
            raise InvalidInput("This EVSE is not known at this site.", code="unknown_evse")

    def _tell(self, connection: Connection, notice: Notice) -> None:
        """Let the sessions there be shown anew, and the sites."""
        now = self._context.clock.now()
        append_event(connection, stream="sites", kind="notice", at=now, body=notice.key)
        for kept in load_open(connection, self._context.party):
            session = kept.session
            if notice.concerns(session.visited, session.site_id, session.evse_uid):
                append_event(
                    connection,
                    stream=stream_of(session.contract_id),
                    kind="session",
                    at=now,
                    body={"session": session.id},
                )


def notices_at(
    connection: Connection, party: Party, site_id: str, at: datetime, evse_uid: str | None = None
) -> tuple[Notice, ...]:
    """What holds or is announced for a site, or one EVSE of it, by its begin."""
    asked = {"country_code": party.country_code, "party_id": party.party_id, "site_id": site_id}
    found = (servicenotices.NOTICE.read(body).value for body in _OF_SITE.column(connection, asked))
    return tuple(one for one in found if not one.over_at(at) and one.concerns(party, site_id, evse_uid))


def notice_view(notice: Notice, at: datetime) -> NoticeView:
    """A notice as the driver reads it."""
    return NoticeView(
        id=notice.id,
        kind=notice.kind,
        cause=notice.cause,
        evse_uids=notice.evse_uids,
        begin=notice.begin,
        expected_end=notice.expected_end,
        in_force=notice.in_force(at),
        texts={one.language: one.text for one in notice.texts},
    )


def _stored(connection: Connection, partner: Partner, key: ObjectKey) -> str | None:
    body: str | None = connection.execute(
        select(table.c.body).where(
            table.c.country_code == key.country_code,
            table.c.party_id == key.party_id,
            table.c.id == key.id,
            table.c.partner_id == partner.id,
        )
    ).scalar()
    return body


def _require_same(notice: Notice, before: Notice) -> None:
    """A version that was sent again is the same; the sessions that it lists are only those of its moment."""
    undated = {"session_ids": (), "last_updated": before.last_updated}
    same = notice.model_copy(update=undated) == before.model_copy(update=undated)
    if notice.version == before.version and not same:
        raise InvalidInput("This version of the notice is known with other content.", code="version_conflict")
