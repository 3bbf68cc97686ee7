"""The transaction hub switch (6.4.1): takes a request of one party and passes it, unchanged, to the one it is for.

The steps are ours [J], on OCPI's message routing: who sends, what it refers to, for whom, whether agreed, on its way
with the same body and correlation and a new request id, and the answer back. What passes is logged; what came once with
a message id is passed on once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

from core.clearing_house.addresses import EXTENSION_SERVICES, FORWARD, INTERFACES, STANDARD_MODULES, Address
from core.clearing_house.agreements import Agreements
from core.clearing_house.aliases import Alias, Aliases, End
from core.clearing_house.broadcasting import Ambiguous, announce, identify, may_be_announced
from core.clearing_house.context import Context
from core.clearing_house.gathering import Gathering, may_be_gathered
from core.clearing_house.notary import Notary, Note, entry_of
from core.clearing_house.observing import Observer
from core.clearing_house.onward import Delivered, HubError, Onward, Outgoing, deadline_of
from core.clearing_house.ownership import Ownership, facts_of_answer, facts_of_request
from core.clearing_house.passage import Destination, Gate, Passage
from core.clearing_house.presence import CLIENTS, ClientSource, Presence
from core.clearing_house.references import objects_in, references_in
from core.clearing_house.repeats import Repeats
from core.clearing_house.signatures import Signatures
from core.clearing_house.splicing import text_member, with_member
from core.clearing_house.waiting import Waiting
from core.endpoint.binding import Binding
from core.endpoint.endpoint import PAGE_LIMIT
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.extension import Push
from core.endpoint.modules.lists import list_routes, page_answer, page_request
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.ocpi.reading import JsonObject
from core.endpoint.partner import CONFIGURATION_MODULES, PartnerEndpoint, PartnerStatus
from core.endpoint.rejection import Rejection
from core.endpoint.routing import Found
from core.endpoint.tls import CertificateAuthority
from core.errors import InvalidInput, NotAllowed
from core.model.services import Service

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_AWAY = {StatusCode.TIMEOUT, StatusCode.CONNECTION_PROBLEM}
_RESPONSE_URL = "response_url"


class Switch:
    """Implements the endpoint's `Switch`."""

    def __init__(self, context: Context, authority: CertificateAuthority) -> None:
        self._context = context
        self.agreements = Agreements()
        self.ownership = Ownership(context.store, context.secret)
        self.presence = Presence(context, self.agreements)
        self.presence.on_return = self._back
        self.onward = Onward(context, self.presence.lost, self.presence.heard)
        self._notary = Notary(context)
        self._waiting = Waiting(context, self._notary, self._forward_kept)
        self.queue = self._waiting.queue
        self._aliases = Aliases(context)
        self._repeats = Repeats(context.store)
        self._gate = Gate(context, self.agreements, self.ownership)
        self._signatures = Signatures(context, authority, self.agreements, self.presence)
        self.observer: Observer | None = None

    # -- what the endpoint asks

    @property
    def pushes(self) -> Mapping[str, Push]:
        """Members are told who is there."""
        return {CLIENTS: self.presence.push}

    @property
    def services(self) -> Mapping[str, Service]:
        """What an agreement has to name, by extension module."""
        return EXTENSION_SERVICES

    def offered(self, version: str) -> Sequence[PartnerEndpoint]:
        """All modules of the wire, those of evroam, and those that a member has brought along."""
        members = self._context.partners.list()
        brought = {one.module for member in members for one in member.endpoints} - CONFIGURATION_MODULES
        modules = dict.fromkeys((*STANDARD_MODULES, *EXTENSION_SERVICES, *sorted(brought)))
        return [
            PartnerEndpoint(
                module=module,
                interface=interface,
                url=f"{self._context.base_url}/ocpi/{version}/{interface.lower()}/{module}",
            )
            for module in modules
            for interface in INTERFACES
        ]

    def routes(self, binding: Binding, page_limit: int) -> Iterator[Route]:
        """Hub client info."""
        yield from list_routes("hubclientinfo", ClientSource(self._context, self.presence, binding), page_limit)

    def find(self, raw_path: str) -> Found | None:
        """Whatever stands under a module, and our addresses for URLs of partners."""
        segments = raw_path.strip("/").split("/")
        if len(segments) == 4 and (segments[0], segments[2]) == ("ocpi", FORWARD):
            return self._found(
                Address(segments[1], "SENDER", FORWARD), f"/ocpi/{segments[1]}/{FORWARD}/***", segments[3]
            )
        address = Address.read(raw_path)
        if address is None or address.version not in self._context.endpoint.bindings:
            return None
        return self._found(address, address.shown)

    def _found(self, address: Address, shown: str, alias: str | None = None) -> Found:
        async def handle(request: Request) -> Answer:
            return await (self._through(alias, address, request) if alias else self.forward(address, request))

        route = Route(address.module, address.interface, "", "", handle)
        return Found(dict.fromkeys(_METHODS, route), {}, shown)

    # -- a request

    async def forward(self, address: Address, request: Request) -> Answer:
        """Pass a request on; what came already under this message id is answered as it was."""
        deadline = deadline_of(self._context, address)
        self.presence.heard(request.partner.id)

        async def once() -> Answer:
            passage = self._gate.admit(address, request, deadline)
            entry = entry_of(self._context, address, request, passage.sender.party, passage.references)
            return await self._notary.witness(entry, lambda note: self._pass(passage, note))

        if request.method == "GET":
            return await once()
        return await self._repeats.once(request, once, self._context.wire_clock.now())

    async def _pass(self, passage: Passage, note: Note) -> Answer:
        if passage.request.to_party == self._context.party:
            if passage.address.asks_identification:
                return await self._identify(passage, note)
            if may_be_gathered(passage.address, passage.request.method):
                return await self._gather(passage, note)
            return await self._announce(passage, note)
        receiver = self._gate.receiver_of(passage)
        if receiver is None:
            return await self._identify(passage, note)
        destination = self._gate.destination(passage, receiver)
        self._notary.begin(note, receiver)
        outgoing = await self._outgoing(passage, destination)
        delivered: Delivered | None = None
        note.queued = self._waiting.must(passage, destination)
        if not note.queued:
            try:
                delivered = await self.onward.send(outgoing)
                note.queued = delivered.answer.status >= 500 and self._waiting.may(passage, destination)
            except HubError as error:
                note.queued = error.status_code in _AWAY and self._waiting.may(passage, destination)
                if not note.queued:
                    raise
        if delivered is None or note.queued:
            return await self._waiting.keep(passage, destination, outgoing)
        return await self._returned(passage, destination, outgoing, delivered, note)

    async def _identify(self, passage: Passage, note: Note) -> Answer:
        self._notary.begin(note, None)
        try:
            destination, delivered = await identify(
                passage,
                self._gate.all_destinations(passage, lambda terms: terms.switch.ask_without_receiver),
                lambda one: self.onward.send(self._plain(passage, one)),
            )
        except Ambiguous as error:
            facts: dict[str, object] = {"parties": [str(one) for one in error.parties]}
            await self._notary.alert(note.entry, "ambiguous_credential", facts)
            raise
        outgoing = self._plain(passage, destination)
        return await self._returned(passage, destination, outgoing, delivered, note)

    async def _announce(self, passage: Passage, note: Note) -> Answer:
        if not may_be_announced(passage.address, passage.request.method):
            raise HubError("This goes to one party; name it in OCPI-to.", StatusCode.UNKNOWN_RECEIVER)
        self._notary.begin(note, None)
        us = End(passage.sender.partner, self._context.party)
        answer = await announce(
            self._gate.all_destinations(passage, lambda terms: terms.switch.announce),
            lambda one: self.onward.send(replace(self._plain(passage, one), sender=us)),
        )
        facts = facts_of_request(passage.address, passage.references, passage.sender.party, passage.sender.party)
        await self.ownership.learn(facts, passage.at)
        return answer

    async def _gather(self, passage: Passage, note: Note) -> Answer:
        self._notary.begin(note, None)
        agreed = self._gate.all_destinations(passage, lambda _terms: True)
        if not agreed:
            raise HubError("Nobody has agreed to be asked for this.", StatusCode.UNKNOWN_RECEIVER)
        there = [one for one in agreed if not self.presence.is_away(one.receiver.partner.id)]

        async def ask(one: Destination, query: str) -> Delivered:
            url = f"{one.url.partition('?')[0]}?{query}"
            return await self.onward.send(replace(self._plain(passage, one), url=url))

        async def found(one: Destination, objects: Sequence[JsonObject]) -> None:
            facts = facts_of_answer(passage.address, objects, one.receiver.party)
            await self.ownership.learn(facts, passage.at)

        asked = page_request(passage.request, PAGE_LIMIT)
        page = await Gathering(passage.address, passage.request.query, ask, found).page(asked, there)
        return page_answer(passage.request, asked, page, PAGE_LIMIT)

    async def _through(self, alias_id: str, address: Address, request: Request) -> Answer:
        """A request to one of our addresses: only who was given it may use it."""
        self.presence.heard(request.partner.id)
        with self._context.store.read() as connection:
            alias = self._aliases.find(connection, alias_id)
        if alias is None or alias.user_partner_id != request.partner.id:
            raise Rejection("There is nothing at this address.", 404)
        stands_for = alias

        async def once() -> Answer:
            references = references_in(address, request.query, request.body)
            entry = entry_of(self._context, address, request, stands_for.user_party, references)
            entry = replace(entry, path=f"/ocpi/{address.version}/{FORWARD}/***", service=stands_for.service)
            return await self._notary.witness(entry, lambda note: self._to_alias(stands_for, address, request, note))

        if request.method == "GET":
            return await once()
        return await self._repeats.once(request, once, self._context.wire_clock.now())

    async def _to_alias(self, alias: Alias, address: Address, request: Request, note: Note) -> Answer:
        owner = self._context.partners.speakers().get(alias.party)
        with self._context.store.read() as connection:
            agreement = self.agreements.between(connection, alias.user_party, alias.party)
        if owner is None or owner.id != alias.partner_id or agreement is None:
            raise HubError(f"{alias.party} cannot be reached here any more.", StatusCode.UNKNOWN_RECEIVER)
        if owner.status is not PartnerStatus.CONNECTED:
            raise HubError(f"The exchange with {alias.party} is suspended.", StatusCode.CONNECTION_PROBLEM)
        self._notary.begin(note, alias.party)
        query = f"{'&' if urlsplit(alias.url).query else '?'}{request.raw_query}" if request.raw_query else ""
        outgoing = Outgoing(
            address=address,
            method=request.method,
            url=alias.url + query,
            body=request.body or None,
            sender=End(request.partner, alias.user_party),
            receiver=End(owner, alias.party),
            deadline=deadline_of(self._context, address),
        )
        delivered = await self.onward.send(outgoing)
        return await self._answer(outgoing, delivered, note)

    # -- on its way

    def _plain(self, passage: Passage, destination: Destination) -> Outgoing:
        return Outgoing(
            address=passage.address,
            method=passage.request.method,
            url=destination.url,
            body=passage.request.body or None,
            sender=passage.sender,
            receiver=destination.receiver,
            deadline=passage.deadline,
        )

    async def _outgoing(self, passage: Passage, destination: Destination) -> Outgoing:
        """The request as it goes on; the only thing that is another one is the sender's response_url."""
        outgoing = self._plain(passage, destination)
        in_body = text_member(passage.references.body, _RESPONSE_URL)
        if in_body is not None:
            ours = await self._response_url(passage, destination, in_body)
            return replace(outgoing, body=with_member(passage.request.body, _RESPONSE_URL, ours))
        in_query = passage.request.query.get(_RESPONSE_URL)
        if in_query is not None:
            ours = await self._response_url(passage, destination, in_query)
            pairs = parse_qsl(passage.request.raw_query, keep_blank_values=True)
            query = urlencode([(name, ours if name == _RESPONSE_URL else value) for name, value in pairs])
            return replace(outgoing, url=f"{destination.url.partition('?')[0]}?{query}")
        return outgoing

    async def _response_url(self, passage: Passage, destination: Destination, url: str) -> str:
        address = passage.address
        service = address.service or address.module
        try:
            return await self._aliases.stand_for(
                url, passage.sender, destination.receiver, service, address.version, passage.at
            )
        except NotAllowed as error:
            raise InvalidInput(f"response_url: {error.message}") from error

    async def _returned(
        self, passage: Passage, destination: Destination, outgoing: Outgoing, delivered: Delivered, note: Note
    ) -> Answer:
        """The answer as it goes back, once what it teaches is kept."""
        await self._learn(passage, destination, delivered)
        return await self._answer(outgoing, delivered, note)

    async def _learn(self, passage: Passage, to: Destination, delivered: Delivered) -> None:
        if not delivered.succeeded:
            return
        address, receiver = passage.address, to.receiver.party
        facts = facts_of_request(address, passage.references, passage.sender.party, receiver)
        if address.interface == "SENDER":
            facts += facts_of_answer(address, objects_in(delivered.answer.body), receiver)
        await self.ownership.learn(facts, self._context.wire_clock.now())
        body, said = passage.request.body, delivered.answer.body
        await self._signatures.passed(address, passage.request.method, body, passage.sender, to.receiver, said)
        if self.observer is not None:
            request, binding = passage.request, self._context.endpoint.bindings[address.version]
            sender = passage.sender.partner
            await self.observer.passed(binding, address, request.method, request.body, sender, receiver, passage.at)

    async def _answer(self, outgoing: Outgoing, delivered: Delivered, note: Note) -> Answer:
        answer, now = delivered.answer, self._context.wire_clock.now()
        headers = await self._aliases.links(
            answer.headers.items(), outgoing.url, outgoing.address, outgoing.receiver, outgoing.sender, now
        )
        party = outgoing.receiver.party
        note.receiver, note.onward_id = party, delivered.onward_id
        headers |= {"OCPI-from-country-code": party.country_code, "OCPI-from-party-id": party.party_id}
        return Answer(
            status_code=delivered.status_code or StatusCode.SUCCESS,
            http_status=answer.status,
            headers=headers,
            whole=answer.body,
        )

    async def _forward_kept(self, passage: Passage) -> Delivered:
        """Send on what waited, as if it had come now. Raises HubError where it may not pass any more."""
        assert passage.request.to_party is not None  # what waits has a receiver
        destination = self._gate.destination(passage, passage.request.to_party)
        delivered = await self.onward.send(self._plain(passage, destination))
        await self._learn(passage, destination, delivered)
        return delivered

    def _back(self, partner_id: str) -> None:
        """A member answers again: what waits for it goes on."""
        self.onward.breaker.answered(partner_id)
        parties = {party for party, one in self._context.partners.speakers().items() if one.id == partner_id}
        self._context.tasks.begin(self.queue.retry_now(frozenset(parties)))
