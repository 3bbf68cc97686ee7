"""Tariffs (UC2-1, UC2-2)."""

from collections.abc import Iterator

from core.endpoint.binding import Binding
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.modules.lists import list_routes
from core.endpoint.modules.objects import Receiving, key_of, owned_key
from core.endpoint.ports import Ports
from core.endpoint.rejection import Rejection
from core.endpoint.stored import Kind, for_partners_of

MODULE = "tariffs"


def routes(ports: Ports, binding: Binding, page_limit: int) -> Iterator[Route]:
    """Tariffs have no PATCH; they are withdrawn with DELETE."""
    yield from list_routes(MODULE, ports.tariff_source, page_limit, for_partners_of(binding, Kind.TARIFF))
    if ports.tariffs is None:
        return
    port = ports.tariffs
    receiving = Receiving(
        MODULE,
        "tariff_id",
        binding.tariff,
        key_of,
        lambda request, key: port.held(request.partner, key),
        port.put,
        written=for_partners_of(binding, Kind.TARIFF),
    )

    async def withdraw(request: Request) -> Answer:
        key = owned_key(request, "tariff_id")
        if not await port.remove(request.partner, key):
            raise Rejection(f"This tariff is not known here: {key}.", 404)
        return Answer()

    yield from receiving.routes(patchable=False)
    yield Route(MODULE, "RECEIVER", "DELETE", receiving.path, withdraw)
