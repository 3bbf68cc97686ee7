"""CDRs (UC3-9): submitted once, read back where we keep them."""

from collections.abc import Iterator
from urllib.parse import quote

from core.endpoint.binding import Binding
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.modules.lists import list_routes
from core.endpoint.modules.objects import owned_key
from core.endpoint.ports import Ports, SdrReceiver
from core.endpoint.rejection import Rejection
from core.endpoint.stored import Kind, for_partners_of
from core.errors import InvalidInput

MODULE = "cdrs"


def routes(ports: Ports, binding: Binding, page_limit: int) -> Iterator[Route]:
    """The Location header tells where a CDR that was posted is found."""
    yield from list_routes(MODULE, ports.sdr_source, page_limit, for_partners_of(binding, Kind.SDR))
    if ports.sdrs is not None:
        receiving = _Receiving(ports.sdrs, binding)
        yield Route(MODULE, "RECEIVER", "POST", "", receiving.post)
        yield Route(MODULE, "RECEIVER", "GET", "/{country_code}/{party_id}/{cdr_id}", receiving.get)


class _Receiving:
    def __init__(self, port: SdrReceiver, binding: Binding) -> None:
        self._port = port
        self._binding = binding

    async def post(self, request: Request) -> Answer:
        held = self._binding.sdr.read_put(request.body, request.received_at)
        issuer = held.value.issuer
        if not request.partner.speaks_for(issuer):
            raise InvalidInput(f"You do not speak for {issuer}.")
        await self._port.submit(request.partner, held)
        place = f"{request.url}/{issuer.country_code}/{issuer.party_id}/{quote(held.value.id, safe='')}"
        return Answer(headers={"Location": place})

    async def get(self, request: Request) -> Answer:
        stored = await self._port.held(request.partner, owned_key(request, "cdr_id"))
        if stored is None:
            raise Rejection("This CDR is not known here.", 404)
        return Answer(stored)
