"""Sessions (UC3-5, UC3-6)."""

from collections.abc import Iterator

from core.endpoint.binding import Binding
from core.endpoint.exchange import Route
from core.endpoint.modules.lists import list_routes
from core.endpoint.modules.objects import Receiving, key_of
from core.endpoint.ports import Ports
from core.endpoint.stored import Kind, for_partners_of

MODULE = "sessions"


def routes(ports: Ports, binding: Binding, page_limit: int) -> Iterator[Route]:
    """A PATCH of charging periods appends those that are not known yet; the codec sees to it."""
    yield from list_routes(
        MODULE, ports.session_source, page_limit, for_partners_of(binding, Kind.SESSION), needs_date_from=True
    )
    if ports.sessions is None:
        return
    port = ports.sessions
    receiving = Receiving(
        MODULE,
        "session_id",
        binding.session,
        key_of,
        lambda request, key: port.held(request.partner, key),
        port.put,
        written=for_partners_of(binding, Kind.SESSION),
    )
    yield from receiving.routes(patchable=True)
