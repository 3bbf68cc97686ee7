"""Extension modules: what the standard needs and OCPI lacks, exchanged only under an agreement that names it.

OCPI lets platforms add modules of their own, named after the party that defined them; those of evroam are the same in
every version of the wire.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from core.endpoint.exchange import Route
from core.endpoint.gates import within_agreement
from core.endpoint.partner import Partner
from core.model.parties import ObjectKey
from core.model.services import Service

_PREFIX = "nlevr-"

Push = Callable[[Partner, ObjectKey], Awaitable[None]]
"""Sends one marked object in its current state; raises as the calls do."""


def module_id(name: str) -> str:
    """The name on the wire of an extension module, such as `nlevr-servicenotices`."""
    return _PREFIX + name


@dataclass(frozen=True)
class Extension:
    """One platform's side of an extension module.

    service: what an agreement has to name. routes: what we serve. pushes: how objects of a kind are sent that were
    marked in the outbox. repair: asks a partner that was away for what we missed.
    """

    service: Service
    routes: tuple[Route, ...] = ()
    pushes: Mapping[str, Push] = field(default_factory=dict)
    repair: Callable[[Partner], Awaitable[None]] | None = None


def agreed_routes(extensions: Iterable[Extension]) -> Iterator[Route]:
    """Their routes, closed to whoever has not agreed to the service."""
    for extension in extensions:
        for route in extension.routes:
            yield replace(route, handler=within_agreement(extension.service, route.handler))


def services_by_module(extensions: Iterable[Extension]) -> dict[str, Service]:
    """Which service an agreement has to name, by extension module."""
    return {route.module: extension.service for extension in extensions for route in extension.routes}
