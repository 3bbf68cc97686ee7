"""HubClientInfo (6.4.1) at a member of a clearing house: who stands behind it. A configuration module: never routed."""

from collections.abc import Iterator

from core.endpoint.binding import Binding
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.modules.objects import party_in
from core.endpoint.partner import Partner
from core.endpoint.reachable_parties import ReachableParties
from core.endpoint.rejection import Rejection
from core.errors import InvalidInput
from core.model.parties import PlatformRole
from core.store.engine import Store

MODULE = "hubclientinfo"


def routes(parties: ReachableParties, store: Store, binding: Binding) -> Iterator[Route]:
    """GET and PUT of one party; a clearing house alone may tell of others."""
    receiving = _Receiving(parties, store, binding)
    yield Route(MODULE, "RECEIVER", "GET", "/{country_code}/{party_id}", receiving.get)
    yield Route(MODULE, "RECEIVER", "PUT", "/{country_code}/{party_id}", receiving.put)


class _Receiving:
    def __init__(self, parties: ReachableParties, store: Store, binding: Binding) -> None:
        self._parties = parties
        self._store = store
        self._binding = binding

    async def get(self, request: Request) -> Answer:
        hub = _hub(request)
        party = party_in(request.path["country_code"], request.path["party_id"])
        with self._store.read() as connection:
            stored = self._parties.held(connection, hub, party)
        if stored is None:
            raise Rejection("This party is not known here.", 404)
        return Answer(stored)

    async def put(self, request: Request) -> Answer:
        hub = _hub(request)
        held = self._binding.client_info.read_put(request.body, request.received_at)
        if held.value.party != party_in(request.path["country_code"], request.path["party_id"]):
            raise InvalidInput("The object in the body is another one than in the path.")
        await self._parties.put(hub, held)
        return Answer()


def _hub(request: Request) -> Partner:
    if not request.partner.plays(PlatformRole.CLEARING_HOUSE):
        raise Rejection("Only a clearing house tells who stands behind it.", 403)
    return request.partner
