"""Who stands behind a clearing house, as a member keeps it (6.4.1): told by HubClientInfo or by its credentials.

A party that the clearing house connects us with becomes a partner of ours without a connection of its own, under an
agreement of its own that the two have still to sign, or under that with a clearing house on plain OCPI [J]; one that is
reached directly stays so.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from core.clock import Clock
from core.endpoint.ocpi.registration import Reachability, ReachableParty
from core.endpoint.partner import Partner, PartnerStatus
from core.endpoint.partner_table import change_behind, partner_of, speaker_of, stand_behind
from core.endpoint.partners import Partners
from core.endpoint.ports import Held
from core.model.parties import Party, PartyRole, PlatformRole
from core.store.switch_tables import reachable_party
from core.store.tables import partner
from core.store.upsert import upsert

_MET_FROM = {Reachability.CONNECTED, Reachability.OFFLINE}
_ROLES = {PlatformRole.HOME_CSP, PlatformRole.VISITED_CSO}


class ReachableParties:
    """Keeps what clearing houses tell. on_return: told of a partner that can be reached again."""

    def __init__(self, partners: Partners, clock: Clock, on_return: Callable[[], None], ours: Iterable[Party]) -> None:
        self._partners = partners
        self._clock = clock
        self._on_return = on_return
        self._ours = frozenset(ours)

    def held(self, connection: Connection, hub: Partner, party: Party) -> str | None:
        """The stored JSON text of what this clearing house told last of a party."""
        query = (
            select(reachable_party.c.body)
            .where(
                reachable_party.c.hub_id == hub.id,
                reachable_party.c.country_code == party.country_code,
                reachable_party.c.party_id == party.party_id,
            )
            .order_by(reachable_party.c.last_updated.desc())
        )
        return connection.execute(query.limit(1)).scalar()

    async def put(self, hub: Partner, held: Held[ReachableParty], name: str | None = None) -> None:
        """A party, new or changed; what is older than what is kept changes nothing."""
        now = self._clock.now()
        back = await self._partners.change(lambda connection: self._keep(connection, hub, held, name, now))
        if back:
            self._on_return()

    def _keep(
        self, connection: Connection, hub: Partner, held: Held[ReachableParty], name: str | None, now: datetime
    ) -> bool:
        value = held.value
        row = {
            "country_code": value.party.country_code,
            "party_id": value.party.party_id,
            "role": value.role or "other",
            "hub_id": hub.id,
            "reachability": value.reachability,
            "last_updated": value.last_updated,
            "body": held.body,
        }
        fresh = upsert(connection, reachable_party, row, unless_older="last_updated")
        if value.role not in _ROLES or value.party in self._ours:
            return False
        known = _behind(connection, hub, value.party)
        if known is not None:
            # A name, which credentials alone bring, is news whatever has been told of the party since.
            told = value if fresh else replace(value, reachability=known.reachability)
            return _change(connection, known, told, name) if fresh or name else False
        if fresh and value.reachability in _MET_FROM and speaker_of(connection, value.party, value.role) is None:
            stand_behind(connection, _partner(hub, value, name), now)
        return False


def _partner(hub: Partner, value: ReachableParty, name: str | None) -> Partner:
    assert value.role is not None  # the caller has looked
    called = name or str(value.party)
    return Partner(
        id=str(uuid.uuid4()),
        name=f"{called} via {hub.name}"[:100],
        status=PartnerStatus.CONNECTED,
        roles=(PartyRole(role=value.role, party=value.party, name=called),),
        agreement=hub.agreement.behind,
        via=hub.id,
        reachability=value.reachability,
    )


def _behind(connection: Connection, hub: Partner, party: Party) -> Partner | None:
    """Also one that we have removed: who was removed comes back by a registration of the clearing house only."""
    rows = connection.execute(select(partner).where(partner.c.via == hub.id))
    return next((one for one in map(partner_of, rows) if one.speaks_for(party)), None)


def _change(connection: Connection, known: Partner, value: ReachableParty, name: str | None) -> bool:
    """Keep the role and the reachability; whether the party is back."""
    assert value.role is not None  # the caller has looked
    role = PartyRole(role=value.role, party=value.party, name=name or known.roles[0].name)
    roles = (*(one for one in known.roles if one.role is not value.role), role)
    change_behind(connection, known.id, roles, value.reachability)
    return value.reachability is Reachability.CONNECTED and known.reachability is not Reachability.CONNECTED
