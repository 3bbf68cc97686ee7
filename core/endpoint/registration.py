"""Two platforms become partners (UC1-1): versions, details and credentials, from either side.

Nothing is written before both sides know one another's tokens; what fails on the way leaves no trace but the audit.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete

from core.clock import Clock
from core.endpoint.agreement import Agreement
from core.endpoint.binding import Binding
from core.endpoint.bindings import version_order
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.ocpi.reading import parse
from core.endpoint.ocpi.registration import RegisteredRole, Registration
from core.endpoint.ocpi.versions import versions_of
from core.endpoint.partner import Partner, PartnerEndpoint, PartnerStatus
from core.endpoint.partner_requests import PartnerRequests
from core.endpoint.partner_table import register, renew, set_endpoints, use_up, void
from core.endpoint.partners import Invitation, Partners
from core.endpoint.rejection import Rejection
from core.endpoint.tls import PeerCertificate
from core.endpoint.tokens import new_token
from core.errors import EvroamError, InvalidInput, NotFound, Refused
from core.model.parties import Party, PartyRole, PlatformRole
from core.store.engine import Store
from core.store.tables import invitation

_CALL_BACK_WITHIN = timedelta(minutes=5)


_HUB_NAMES_PARTIES = (2, 3, 0)
"""From this version on, a clearing house's credentials name the parties behind it."""

MetHub = Callable[[Partner, tuple[RegisteredRole, ...]], Awaitable[None]]
StandsBehind = Callable[[frozenset[Party]], tuple[RegisteredRole, ...]]


def own_roles(roles: tuple[RegisteredRole, ...]) -> tuple[RegisteredRole, ...]:
    """What a platform is itself: of a clearing house that alone, whoever stands behind it."""
    return tuple(one for one in roles if one.role is PlatformRole.CLEARING_HOUSE) or roles


@dataclass(frozen=True)
class Offer:
    """What a platform offers in the version that we choose."""

    version: str
    endpoints: tuple[PartnerEndpoint, ...]

    def credentials_url(self) -> str:
        """Where it takes credentials; the interface role means nothing there. Raises Refused."""
        url = next((endpoint.url for endpoint in self.endpoints if endpoint.module == "credentials"), None)
        if url is None:
            raise Refused("The partner offers no credentials module.", code="no_matching_endpoints")
        return url


class Registrar:
    """Registers partners with us and us with partners.

    roles: what we are; versions_url: ours; required: (module, interface) pairs without which nobody becomes a partner.
    met_hub: told of a clearing house and of the parties that its credentials name. stands_behind: where we are one
    ourselves, the parties that those of a platform can reach through us; named by OCPI 2.3.0 and later alone.
    """

    met_hub: MetHub
    stands_behind: StandsBehind

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        partners: Partners,
        requests: PartnerRequests,
        roles: tuple[PartyRole, ...],
        versions_url: str,
        bindings: Mapping[str, Binding],
        required: Collection[tuple[str, str]] = (),
    ) -> None:
        self.met_hub, self.stands_behind = _nothing_to_tell, _nobody
        self._store = store
        self._clock = clock
        self._partners = partners
        self._requests = requests
        self._roles = tuple(RegisteredRole(role=one.role, party=one.party, name=one.name) for one in roles)
        self._versions_url = versions_url
        self._bindings = bindings
        self._required = frozenset(required)

    async def connect(self, url: str, token_a: str, agreement: Agreement | None = None, name: str = "") -> Partner:
        """Register us with the platform whose versions are at `url` and that gave us `token_a`.

        Raises Unreachable, Refused (unsupported_version, no_matching_endpoints, what the partner says), InvalidInput.
        """
        agreed = agreement or Agreement()
        offer = await self._discover(url, token_a, agreed)
        async with self._call_back_token(name, agreed) as token_b:
            binding = self._bindings[offer.version]
            body = self.credentials_for(token_b, offer.version)
            reply = await self._requests.with_token(token_a, agreed.transport, "POST", offer.credentials_url(), body)
            registration = binding.registration.model(reply.data)
            try:
                new = self._as_partner(str(uuid.uuid4()), name, agreed, registration, offer, None)
                new = await self._keep(new, registration.token, token_b)
            except EvroamError:
                with suppress(EvroamError):
                    await self._requests.with_token(
                        registration.token, agreed.transport, "DELETE", offer.credentials_url()
                    )
                raise
        await self.met_hub(new, registration.roles)
        return new

    async def renew(self, partner_id: str) -> Partner:
        """Exchange tokens and endpoints anew with a connected partner, or with the clearing house that leads to it.

        Raises as `connect`.
        """
        before = self._partners.get(partner_id)
        if before.via is not None:
            await self.renew(before.via)
            return self._partners.get(partner_id)
        token = self._partners.outgoing_token(partner_id)
        if token is None or before.versions_url is None:
            raise NotFound("This partner is not connected.", code="unknown_partner")
        offer = await self._discover(before.versions_url, token, before.agreement)
        async with self._call_back_token(before.name, before.agreement) as token_b:
            binding = self._bindings[offer.version]
            body = self.credentials_for(token_b, offer.version, before.roles)
            reply = await self._requests.with_token(
                token, before.agreement.transport, "PUT", offer.credentials_url(), body, partner_id=partner_id
            )
            registration = binding.registration.model(reply.data)
            changed = self._as_partner(
                partner_id, before.name, before.agreement, registration, offer, before.certificate_name
            )
            await self._keep(changed, registration.token, token_b, is_new=False)
        await self.met_hub(changed, registration.roles)
        return changed

    async def refresh(self, partner_id: str) -> None:
        """Read again what a connected partner offers: an agreement has changed that. Raises as `connect`."""
        known = self._partners.get(partner_id)
        token = self._partners.outgoing_token(partner_id, only_connected=True)
        if token is None or known.versions_url is None:
            return
        offer = await self._discover(known.versions_url, token, known.agreement, known.version)
        await self._partners.change(
            lambda connection: set_endpoints(connection, known.via or partner_id, offer.version, offer.endpoints)
        )

    async def disconnect(self, partner_id: str) -> None:
        """Tell the partner that the exchange ends, where it can be told, and remove it."""
        known = self._partners.get(partner_id)
        token = self._partners.outgoing_token(partner_id)
        url = next((one.url for one in known.endpoints if one.module == "credentials"), None)
        if token is not None and url is not None:
            with suppress(EvroamError):
                await self._requests.with_token(token, known.agreement.transport, "DELETE", url, partner_id=partner_id)
        await self._partners.remove(partner_id)

    def credentials_for(self, token: str, version: str, theirs: Iterable[PartyRole] = ()) -> str:
        """What we are, as JSON text, to one who knows us by this token and plays these roles."""
        behind: tuple[RegisteredRole, ...] = ()
        if version_order(version) >= _HUB_NAMES_PARTIES:
            behind = self.stands_behind(frozenset(one.party for one in theirs))
        registration = Registration(token, self._versions_url, (*self._roles, *behind))
        return self._bindings[version].registration.write(registration)

    async def accept(self, invited: Invitation, body: bytes, certificate: PeerCertificate | None, version: str) -> str:
        """Register the sender of these credentials; returns ours. Raises Rejection (3001, 3002, 3003), InvalidInput."""
        registration = self._bindings[version].registration.model(parse(body))
        self._check_certificate(registration, certificate)
        offer = await self._call_back(registration, invited.agreement, version)
        name = certificate.name if certificate else None
        new = self._as_partner(str(uuid.uuid4()), invited.name, invited.agreement, registration, offer, name)
        token_c, now = new_token(), self._clock.now()
        incoming = self._partners.hash_of(token_c)

        def write(connection: Connection) -> Partner:
            if not use_up(connection, invited.token_hash, now):
                raise Rejection("This token has registered a platform already.", 405)
            return register(connection, new, registration.token, incoming, now)

        kept = await self._partners.change(write)
        await self.met_hub(kept, registration.roles)
        return self.credentials_for(token_c, version, kept.roles)

    async def update(self, known: Partner, body: bytes, certificate: PeerCertificate | None, version: str) -> str:
        """Fetch a partner's endpoints again and give it a new token, even if nothing changed. Raises as `accept`."""
        registration = self._bindings[version].registration.model(parse(body))
        self._check_certificate(registration, certificate)
        offer = await self._call_back(registration, known.agreement, version)
        changed = self._as_partner(known.id, known.name, known.agreement, registration, offer, known.certificate_name)
        token_c = new_token()
        await self._keep(changed, registration.token, token_c, is_new=False)
        await self.met_hub(changed, registration.roles)
        return self.credentials_for(token_c, version, changed.roles)

    async def leave(self, known: Partner) -> None:
        """The partner ends the exchange."""
        now = self._clock.now()
        await self._partners.change(lambda connection: void(connection, known.id, now))

    async def _discover(self, url: str, token: str, agreement: Agreement, version: str | None = None) -> Offer:
        transport = agreement.transport
        urls = versions_of((await self._requests.with_token(token, transport, "GET", url)).data)
        common = [one for one in self._bindings if one in urls and version in (None, one)]
        if not common:
            raise Refused("The platforms have no version in common.", code="unsupported_version")
        chosen = max(common, key=version_order)
        details = await self._requests.with_token(token, transport, "GET", urls[chosen])
        offer = Offer(chosen, self._bindings[chosen].endpoints_of(details.data))
        for endpoint in offer.endpoints:
            self._requests.guard.check(endpoint.url)
        missing = self._required - {(endpoint.module, endpoint.interface) for endpoint in offer.endpoints}
        if missing:
            named = ", ".join(sorted(f"{module} {interface}" for module, interface in missing))
            raise Refused(f"The partner does not offer {named}.", code="no_matching_endpoints")
        return offer

    async def _call_back(self, registration: Registration, agreement: Agreement, version: str) -> Offer:
        try:
            return await self._discover(registration.versions_url, registration.token, agreement, version)
        except Refused as error:
            code = {
                "unsupported_version": StatusCode.UNSUPPORTED_VERSION,
                "no_matching_endpoints": StatusCode.NO_MATCHING_ENDPOINTS,
            }.get(error.code, StatusCode.UNUSABLE_API)
            raise Rejection(error.message, status_code=code) from error
        except EvroamError as error:
            raise Rejection(
                f"Your platform cannot be used: {error.message}", status_code=StatusCode.UNUSABLE_API
            ) from error

    @asynccontextmanager
    async def _call_back_token(self, name: str, agreement: Agreement) -> AsyncIterator[str]:
        """A token with which a partner may read our versions while it registers us, and no longer."""
        token = new_token()
        await self._partners.keep_invitation(token, name, agreement, _CALL_BACK_WITHIN, versions_only=True)
        token_hash = self._partners.hash_of(token)
        try:
            yield token
        finally:
            await self._store.write(
                lambda connection: (
                    connection.execute(delete(invitation).where(invitation.c.token_hash == token_hash)).rowcount
                )
            )

    async def _keep(self, one: Partner, outgoing: str, incoming: str, *, is_new: bool = True) -> Partner:
        now, incoming_hash = self._clock.now(), self._partners.hash_of(incoming)
        change = register if is_new else renew
        return await self._partners.change(lambda connection: change(connection, one, outgoing, incoming_hash, now))

    def _as_partner(
        self,
        partner_id: str,
        name: str,
        agreement: Agreement,
        registration: Registration,
        offer: Offer,
        certificate_name: str | None,
    ) -> Partner:
        own = own_roles(registration.roles)
        roles = tuple(PartyRole(role=one.role, party=one.party, name=one.name) for one in own)
        if not roles:
            raise InvalidInput("None of the roles in the credentials is one that we exchange with.")
        if len({(one.role, one.party) for one in roles}) != len(roles):
            raise InvalidInput("The credentials name a role of a party twice.")
        if any(one.party == our.party and one.role == our.role for one in roles for our in self._roles):
            raise InvalidInput("The credentials name one of our own parties.")
        self._requests.guard.check(registration.versions_url)
        return Partner(
            id=partner_id,
            name=name or roles[0].name[:100] or str(urlsplit(registration.versions_url).hostname),
            status=PartnerStatus.CONNECTED,
            roles=roles,
            agreement=agreement,
            versions_url=registration.versions_url,
            version=offer.version,
            endpoints=offer.endpoints,
            certificate_name=certificate_name,
        )

    def _check_certificate(self, registration: Registration, certificate: PeerCertificate | None) -> None:
        if certificate is not None and not certificate.covers(own_roles(registration.roles)):
            raise Rejection("Your certificate does not name a party and role of the credentials.", 403)


async def _nothing_to_tell(_partner: Partner, _roles: tuple[RegisteredRole, ...]) -> None:
    """For a platform that takes no clearing houses."""


def _nobody(_parties: frozenset[Party]) -> tuple[RegisteredRole, ...]:
    return ()
