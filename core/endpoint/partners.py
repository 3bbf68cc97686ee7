"""The partners of a platform: invited, connected, suspended, removed; and who it is that sends a request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import BindParameter, Connection, bindparam, func, insert, or_, select, update

from core.clock import Clock
from core.endpoint.agreement import Agreement, Transport
from core.endpoint.lock_out import LockOut
from core.endpoint.ocpi.registration import Reachability
from core.endpoint.partner import Partner, PartnerStatus
from core.endpoint.partner_table import audit, bind, partner_of, partners_of, void
from core.endpoint.rejection import Rejection
from core.endpoint.tls import PeerCertificate
from core.endpoint.tokens import new_token, token_hash, tokens_in
from core.errors import InvalidInput, NotFound
from core.model.parties import Party, PlatformRole
from core.store.engine import Store
from core.store.prepared import Prepared
from core.store.tables import invitation, partner

T = TypeVar("T")

_INVITED_FOR = timedelta(days=14)
_KNOWN_FOR = timedelta(seconds=1)
_MOST_KNOWN = 1_000
_WITHIN = {Reachability.CONNECTED, Reachability.OFFLINE}

# Asked with every request: built once, as building a statement takes longer than running it.
_PARTNERS = select(partner).where(partner.c.status != PartnerStatus.REMOVED).order_by(partner.c.name, partner.c.id)
_HUB = partner.alias()
_TOKEN_TO_PARTNER = (
    select(func.coalesce(partner.c.outgoing_token, _HUB.c.outgoing_token))
    .outerjoin_from(partner, _HUB, _HUB.c.id == partner.c.via)
    .where(partner.c.id == bindparam("partner_id"))
)
_TOKEN = Prepared(_TOKEN_TO_PARTNER)
_TOKEN_IF_CONNECTED = Prepared(
    _TOKEN_TO_PARTNER.where(
        partner.c.status == PartnerStatus.CONNECTED,
        or_(partner.c.via.is_(None), _HUB.c.status == PartnerStatus.CONNECTED),
    )
)
_HASHES: BindParameter[str] = bindparam("hashes", expanding=True)
_NOW: BindParameter[datetime] = bindparam("now")
_PARTNER_OF_TOKEN = select(partner).where(
    or_(
        partner.c.incoming_token_hash.in_(_HASHES),
        partner.c.previous_token_hash.in_(_HASHES) & (partner.c.previous_token_until > _NOW),
    )
)
_INVITATION_OF_TOKEN = select(invitation).where(invitation.c.token_hash.in_(_HASHES), invitation.c.expires_at > _NOW)


@dataclass(frozen=True)
class Invitation:
    """A token that registers nobody yet: token A, or (versions_only) our own token B while a partner calls back."""

    token_hash: str
    name: str
    agreement: Agreement
    versions_only: bool


Caller = Partner | Invitation


class Partners:
    """The partners as the store has them; every process of the platform reads the same.

    Who sent a request is remembered by the hash of its header for a second, so that not every request has to ask the
    store. A change made by this process holds with the next request; one made by another process of the platform, a
    second later.
    """

    def __init__(self, store: Store, clock: Clock, token_key: bytes, *, server_tls: bool = False) -> None:
        self._store = store
        self._clock = clock
        self._token_key = token_key
        self._server_tls = server_tls
        self._lock_out = LockOut()
        self._known: dict[str, tuple[Partner, datetime]] = {}
        self._speakers: tuple[Mapping[Party, Partner], datetime] | None = None

    def list(self) -> tuple[Partner, ...]:
        """All partners that are not removed, by name."""
        with self._store.read() as connection:
            return partners_of(connection.execute(_PARTNERS))

    def get(self, partner_id: str) -> Partner:
        """One partner. Raises NotFound."""
        with self._store.read() as connection:
            found = _one(connection, partner_id)
            if found is None:
                raise NotFound("There is no such partner.", code="unknown_partner")
            hub = found.via and _one(connection, found.via)
        return found.reached_through(hub) if hub else found

    def connected(self, role: PlatformRole | None = None) -> tuple[Partner, ...]:
        """Partners that we exchange with now, those in one role if it is given."""
        found = (one for one in self.list() if one.status is PartnerStatus.CONNECTED and one.reachability in _WITHIN)
        return tuple(one for one in found if role is None or one.plays(role))

    def behind(self, hub: Partner, party: Party) -> Partner | None:
        """The partner that speaks for a party through this clearing house; None where nobody does.

        What comes over a connection is judged by the party that it comes from, not by who passes it on.
        """
        query = select(partner).where(partner.c.via == hub.id, partner.c.status != PartnerStatus.REMOVED)
        with self._store.read() as connection:
            found = [partner_of(row).reached_through(hub) for row in connection.execute(query)]
        return next((one for one in found if one.speaks_for(party)), None)

    def speaking_for(self, party: Party) -> Partner | None:
        """The connected partner that speaks for a party."""
        return next((one for one in self.connected() if one.speaks_for(party)), None)

    def speakers(self) -> Mapping[Party, Partner]:
        """Who speaks for each party, connected or suspended; remembered as long as who sent a request."""
        now = self._clock.now()
        if self._speakers is None or abs(now - self._speakers[1]) >= _KNOWN_FOR:
            found = {role.party: one for one in self.list() for role in one.roles}
            self._speakers = found, now
        return self._speakers[0]

    def outgoing_token(self, partner_id: str, *, only_connected: bool = False) -> str | None:
        """The token by which this partner knows us, None where it has none (or, if so asked, is not connected).

        That of the clearing house, where the partner is reached through one.
        """
        asked = _TOKEN_IF_CONNECTED if only_connected else _TOKEN
        with self._store.read() as connection:
            token: str | None = asked.scalar(connection, {"partner_id": partner_id})
        return token

    async def invite(self, name: str, agreement: Agreement | None = None) -> str:
        """Token A for a partner that will register with us, valid once and for a fortnight.

        Raises InvalidInput where the agreement needs a transport that this platform does not offer.
        """
        token = new_token()
        await self.keep_invitation(token, name, agreement or Agreement(), _INVITED_FOR)
        return token

    async def suspend(self, partner_id: str) -> None:
        """Take nothing from this partner and send it nothing, until resumed."""
        await self._change_status(partner_id, PartnerStatus.CONNECTED, PartnerStatus.SUSPENDED)

    async def resume(self, partner_id: str) -> None:
        """Exchange with a suspended partner again."""
        await self._change_status(partner_id, PartnerStatus.SUSPENDED, PartnerStatus.CONNECTED)

    async def remove(self, partner_id: str) -> None:
        """End the exchange for good: its tokens are void, what it sent stays. Raises NotFound."""
        self.get(partner_id)
        now = self._clock.now()
        await self.change(lambda connection: void(connection, partner_id, now))

    async def change(self, operation: Callable[[Connection], T]) -> T:
        """Write to the table of partners, by the functions of `partner_table`: whatever is known is looked up again."""
        try:
            return await self._store.write(operation)
        finally:
            self._known.clear()
            self._speakers = None

    async def authenticate(self, header: str | None, certificate: PeerCertificate | None, address: str) -> Caller:
        """Who sends a request with this Authorization header, over this certificate, from this address.

        Raises Rejection: 401 without a valid token or with another's certificate, 403 for a suspended partner.
        """
        now = self._clock.now()
        source = certificate.name if certificate else address
        left = self._lock_out.seconds_left(source, now)
        if left:
            raise Rejection("Too many failed attempts.", 401, headers={"Retry-After": str(left)})
        caller = self._sender(header, now)
        if caller is None or not await self._may_use(caller, certificate):
            if self._lock_out.failed(source, now):
                await self._store.write(
                    lambda connection: audit(connection, "locked_out", now, {"source": source, "address": address})
                )
            raise Rejection("No valid token.", 401, headers={"WWW-Authenticate": "Token"})
        self._lock_out.succeeded(source)
        if isinstance(caller, Partner) and caller.status is PartnerStatus.SUSPENDED:
            raise Rejection("The exchange with this platform is suspended.", 403)
        return caller

    def _sender(self, header: str | None, now: datetime) -> Caller | None:
        shown = self.hash_of(header or "")
        remembered = self._known.get(shown)
        if remembered is not None and abs(now - remembered[1]) < _KNOWN_FOR:
            return remembered[0]
        hashes = tuple(map(self.hash_of, tokens_in(header)))
        caller = self._find(hashes, now) if hashes else None
        if isinstance(caller, Partner):
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[shown] = caller, now
        return caller

    def _find(self, hashes: tuple[str, ...], now: datetime) -> Caller | None:
        asked = {"hashes": hashes, "now": now}
        with self._store.read() as connection:
            row = connection.execute(_PARTNER_OF_TOKEN, asked).first()
            if row is not None:
                return partner_of(row)
            row = connection.execute(_INVITATION_OF_TOKEN, asked).first()
        if row is None:
            return None
        agreement = Agreement.model_validate_json(row.agreement)
        return Invitation(row.token_hash, row.name, agreement, versions_only=row.used_at is not None)

    async def _may_use(self, caller: Caller, certificate: PeerCertificate | None) -> bool:
        """Whether the connection fits the agreement; the first certificate that fits is bound to the partner."""
        if caller.agreement.transport is Transport.SERVER_TLS:
            return True
        if certificate is None:
            return False
        if isinstance(caller, Invitation):
            return True
        if caller.certificate_name is not None:
            return caller.certificate_name == certificate.name
        if not certificate.covers(caller.roles):
            return False
        bound = await self.change(lambda connection: bind(connection, caller.id, certificate.name))
        return bound == certificate.name

    async def keep_invitation(
        self, token: str, name: str, agreement: Agreement, life: timedelta, *, versions_only: bool = False
    ) -> None:
        """Remember a token before anybody has registered with it."""
        self.require_transport(agreement.transport)
        now = self._clock.now()
        row = {
            "token_hash": self.hash_of(token),
            "name": name,
            "agreement": agreement.model_dump_json(),
            "created_at": now,
            "expires_at": now + life,
            "used_at": now if versions_only else None,
        }
        await self._store.write(lambda connection: connection.execute(insert(invitation), row) and None)

    def require_transport(self, transport: Transport) -> None:
        """Raise InvalidInput where this platform does not offer a transport."""
        if transport is Transport.SERVER_TLS and not self._server_tls:
            raise InvalidInput(
                "This platform takes connections with client certificates only.",
                code="transport_not_offered",
                next_step="Let the platform run with server-side TLS allowed, or agree on mutual TLS.",
            )

    def hash_of(self, token: str) -> str:
        """The keyed hash under which a token is kept."""
        return token_hash(self._token_key, token)

    async def _change_status(self, partner_id: str, before: PartnerStatus, after: PartnerStatus) -> None:
        now = self._clock.now()

        def change(connection: Connection) -> bool:
            of = (partner.c.id == partner_id) & (partner.c.status == before)
            changed = connection.execute(update(partner).where(of).values(status=after)).rowcount == 1
            if changed:
                audit(connection, f"partner_{after}", now, {"partner_id": partner_id})
            return changed

        if not await self.change(change):
            raise NotFound(f"There is no {before} partner of this id.", code="unknown_partner")


def _one(connection: Connection, partner_id: str) -> Partner | None:
    row = connection.execute(select(partner).where(partner.c.id == partner_id)).one_or_none()
    return None if row is None else partner_of(row)
