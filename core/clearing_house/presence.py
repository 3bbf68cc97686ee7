"""Who stands behind the clearing house, and whether they answer (6.4.1): hub client info with alive checks."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, select

from core.clearing_house.addresses import CSO, CSP
from core.clearing_house.agreements import Agreements, may_negotiate
from core.clearing_house.context import Context
from core.endpoint.binding import Binding
from core.endpoint.exchange import Page, PageRequest
from core.endpoint.ocpi.registration import Reachability, ReachableParty, RegisteredRole
from core.endpoint.partner import Partner, PartnerStatus
from core.endpoint.partner_table import AUDIT_STREAM
from core.errors import EvroamError
from core.model.parties import ObjectKey, Party, PlatformRole
from core.store.engine import StoreError, upsert
from core.store.switch_tables import hub_client

log = structlog.get_logger(__name__)

CLIENTS = "clients"
"""The kind of mark by which members are told of a party."""

SILENCE = timedelta(minutes=5)
"""After so long without a word, a platform is asked whether it is there."""

_LOOK_EVERY_SECONDS = 15.0
_ASK_WITHIN_SECONDS = 10.0
_Key = tuple[Party, PlatformRole]


class Presence:
    """Keeps the table of clients, tells members of changes, and asks who is silent."""

    def __init__(self, context: Context, agreements: Agreements) -> None:
        self._context = context
        self._agreements = agreements
        self._heard_at: dict[str, datetime] = {}
        self._offline: set[str] | None = None
        self.on_return: Callable[[str], None] = lambda _partner_id: None

    # -- what is heard

    def heard(self, partner_id: str) -> None:
        """A platform has said something."""
        self._heard_at[partner_id] = self._context.wire_clock.now()
        if partner_id in self._away():
            self._away().discard(partner_id)
            self._context.tasks.begin(self.refresh())
            self.on_return(partner_id)

    def lost(self, partner_id: str) -> None:
        """A platform does not answer."""
        if partner_id not in self._away():
            self._away().add(partner_id)
            self._context.tasks.begin(self.refresh())

    def is_away(self, partner_id: str) -> bool:
        """Whether members have been told that this platform does not answer."""
        return partner_id in self._away()

    async def check(self) -> None:
        """Ask every connected platform that has been silent for five minutes, and every one that was away."""
        now = self._context.wire_clock.now()
        silent = [one for one in self._context.partners.connected() if one.id in self._away() or self._silent(one, now)]
        await asyncio.gather(*(self._ask(one) for one in silent))

    async def run(self) -> None:
        """Check until cancelled, and follow what becomes of partners."""
        await asyncio.gather(self._check_always(), self._follow())

    # -- what is told

    async def refresh(self) -> None:
        """Bring the table up to date, and mark what changed for the members that it concerns."""
        now = self._context.wire_clock.now()
        await self._context.store.write(lambda connection: self._refresh(connection, now))

    def mark(self, connection: Connection, party: Party) -> None:
        """Tell members of a party although its state is what it was: an agreement is new."""
        for one, _partner_id in _stored(connection):
            if one.party == party and one.role is not None:
                self._mark(connection, (party, one.role))

    def visible_to(self, connection: Connection, member: Partner) -> list[ReachableParty]:
        """The parties with which this member has an agreement, or may sign one, by last change."""
        own = {role.party for role in member.roles}
        others = {party for one in own for party in self._known_to(connection, one)} - own
        return [one for one, _partner_id in _stored(connection) if one.party in others]

    def roles_behind(self, parties: frozenset[Party]) -> tuple[RegisteredRole, ...]:
        """The parties that these can reach through us, as credentials name them."""
        with self._context.store.read() as connection:
            agreed = {other for party in parties for other in self._known_to(connection, party)}
        speakers = self._context.partners.speakers()
        return tuple(
            RegisteredRole(role=role.role, party=role.party, name=role.name)
            for party in sorted(agreed - parties, key=str)
            if party in speakers and speakers[party].status is PartnerStatus.CONNECTED
            for role in speakers[party].roles
            if role.party == party
        )

    async def push(self, member: Partner, key: ObjectKey) -> None:
        """Tell one member of one party. Raises what requests raise."""
        endpoint = self._context.endpoint
        url = member.endpoint("hubclientinfo", "RECEIVER")
        with self._context.store.read() as connection:
            found = [
                one for one in self.visible_to(connection, member) if one.party == key.party and one.role == key.id
            ]
        if url is None or not found:
            return
        body = self._binding(member).client_info.write(found[0])
        where = f"{url.rstrip('/')}/{key.country_code}/{key.party_id}"
        await endpoint.requests.to_partner(member, "PUT", where, body)

    # -- inside

    def _known_to(self, connection: Connection, party: Party) -> set[Party]:
        """With whom a party has an agreement, or may sign one: both can, and play opposite roles."""
        agreed = {one.partner_of(party) for one in self._agreements.of(connection, {party})}
        speakers = self._context.partners.speakers()
        member = speakers.get(party)
        if member is None:
            return agreed
        played = {one.role for one in member.roles if one.party == party}
        wanted = {opposite for opposite, own in ((CSO, CSP), (CSP, CSO)) if own in played}
        return agreed | {
            role.party
            for other in {one.id: one for one in speakers.values()}.values()
            if other.id != member.id and may_negotiate(member, other)
            for role in other.roles
            if role.role in wanted
        }

    def _away(self) -> set[str]:
        if self._offline is None:
            away = select(hub_client.c.partner_id).where(hub_client.c.reachability == Reachability.OFFLINE)
            with self._context.store.read() as connection:
                self._offline = {id for id in connection.execute(away).scalars() if id}
        return self._offline

    def _silent(self, one: Partner, now: datetime) -> bool:
        """Whether its last word is long ago, or is not known: to look is no word."""
        known = [at for at in (self._heard_at.get(one.id), one.last_seen_at) if at is not None]
        return not known or now - max(known) >= SILENCE

    async def _ask(self, one: Partner) -> None:
        token = self._context.partners.outgoing_token(one.id, only_connected=True)
        if token is None or one.versions_url is None:
            return
        try:
            await self._context.endpoint.requests.with_token(
                token,
                one.agreement.transport,
                "GET",
                one.versions_url,
                partner_id=one.id,
                timeout=_ASK_WITHIN_SECONDS,
            )
        except EvroamError as error:
            log.info("member_away", partner=one.id, code=error.code)
            self.lost(one.id)
        else:
            self.heard(one.id)

    async def _check_always(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            try:
                await self.check()
            except StoreError as error:
                log.warning("presence_not_checked", code=error.code)

    async def _follow(self) -> None:
        """Members come, are suspended and leave by way of the endpoint, which writes an event of it."""
        store = self._context.store
        past = store.events((AUDIT_STREAM,), 0)
        after = past[-1].sequence if past else 0
        await self.refresh()
        while True:
            try:
                async with aclosing(store.follow((AUDIT_STREAM,), after)) as following:
                    async for told in following:
                        after = told.sequence
                        if told.kind.startswith("partner_"):
                            await self.refresh()
                return
            except StoreError as error:
                log.warning("members_not_followed", code=error.code)
                await asyncio.sleep(_LOOK_EVERY_SECONDS)

    def _refresh(self, connection: Connection, now: datetime) -> None:
        known = {(one.party, one.role): (one, id) for one, id in _stored(connection) if one.role is not None}
        current = dict(self._current(connection))
        for key, (reachability, partner_id) in current.items():
            before = known.get(key)
            if before is not None and (before[0].reachability, before[1]) == (reachability, partner_id):
                continue
            self._keep(connection, key, reachability, partner_id, now)
        for key, (one, partner_id) in known.items():
            if key not in current and one.reachability is not Reachability.SUSPENDED:
                self._keep(connection, key, Reachability.SUSPENDED, partner_id, now)

    def _current(self, connection: Connection) -> Iterator[tuple[_Key, tuple[Reachability, str | None]]]:
        """Every party with its state: of members, and of those that have an agreement but no platform yet."""
        present: dict[Party, set[PlatformRole]] = {}
        for one in self._context.partners.list():
            for role in one.roles:
                if role.role in {CSP, CSO}:
                    present.setdefault(role.party, set()).add(role.role)
                    yield (role.party, role.role), (self._state(one), one.id)
        for agreement in self._agreements.all(connection):
            for party in (agreement.one, agreement.other):
                for opposite in present.get(agreement.partner_of(party), set()) if party not in present else ():
                    yield (party, CSO if opposite is CSP else CSP), (Reachability.PLANNED, None)

    def _state(self, one: Partner) -> Reachability:
        if one.status is not PartnerStatus.CONNECTED:
            return Reachability.SUSPENDED
        return Reachability.OFFLINE if one.id in self._away() else Reachability.CONNECTED

    def _keep(
        self, connection: Connection, key: _Key, reachability: Reachability, partner_id: str | None, now: datetime
    ) -> None:
        party, role = key
        row = {
            **party.model_dump(),
            "role": role,
            "partner_id": partner_id,
            "reachability": reachability,
            "last_updated": now,
        }
        upsert(connection, hub_client, row)
        self._mark(connection, key)

    def _mark(self, connection: Connection, key: _Key) -> None:
        party, role = key
        partners = self._known_to(connection, party)
        members = [one.id for one in self._context.partners.connected() if any(map(one.speaks_for, partners))]
        mark = ObjectKey(country_code=party.country_code, party_id=party.party_id, id=role)
        self._context.endpoint.outbox.mark(connection, members, CLIENTS, mark)

    def _binding(self, member: Partner) -> Binding:
        return self._context.endpoint.bindings[member.version or ""]


class ClientSource:
    """Lists a member's parties for HubClientInfo, in the words of one version of the wire."""

    def __init__(self, context: Context, presence: Presence, binding: Binding) -> None:
        self._context = context
        self._presence = presence
        self._binding = binding

    async def page(self, partner: Partner, request: PageRequest) -> Page:
        """The parties that changed in the time asked for."""
        with self._context.store.read() as connection:
            found = self._presence.visible_to(connection, partner)
        within = [
            one
            for one in found
            if (request.date_from is None or one.last_updated >= request.date_from)
            and (request.date_to is None or one.last_updated < request.date_to)
        ]
        part = within[request.offset : request.offset + request.limit]
        return Page(tuple(self._binding.client_info.write(one) for one in part), len(within))

    async def one(self, partner: Partner, id: str) -> str | None:
        """The wire has no request for a single one."""
        return None


def _stored(connection: Connection) -> list[tuple[ReachableParty, str | None]]:
    """What members have been told, by last change, with the platform of each."""
    columns = hub_client.c
    query = select(hub_client).order_by(columns.last_updated, columns.country_code, columns.party_id, columns.role)
    return [
        (
            ReachableParty(
                party=Party(country_code=row.country_code, party_id=row.party_id),
                role=PlatformRole(row.role),
                reachability=Reachability(row.reachability),
                last_updated=row.last_updated,
            ),
            row.partner_id,
        )
        for row in connection.execute(query)
    ]
