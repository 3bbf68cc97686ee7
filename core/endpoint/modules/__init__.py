"""The functional modules as they are served: one file a module, over the ports, for every version of the wire."""

from collections.abc import Callable

from core.endpoint.binding import Binding
from core.endpoint.exchange import Route
from core.endpoint.modules import (
    cdrs,
    charging_preferences,
    charging_profiles,
    commands,
    locations,
    sessions,
    tariffs,
    tokens,
)
from core.endpoint.partner import Partner
from core.endpoint.ports import Ports


def routes(
    ports: Ports, binding: Binding, page_limit: int, check_url: Callable[[Partner, str], None]
) -> tuple[Route, ...]:
    """The routes of all module interfaces for which there is a port.

    check_url: raises NotAllowed for a URL that a partner chose and that is none of its own.
    """
    return (
        *locations.routes(ports, binding, page_limit),
        *tariffs.routes(ports, binding, page_limit),
        *tokens.routes(ports, binding, page_limit),
        *sessions.routes(ports, binding, page_limit),
        *charging_preferences.routes(ports),
        *charging_profiles.routes(ports, check_url),
        *cdrs.routes(ports, binding, page_limit),
        *commands.routes(ports, binding, check_url),
    )
