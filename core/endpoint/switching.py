"""What a clearing house's switch gives the endpoint: where it passes requests on, and what it offers by doing so."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from core.endpoint.binding import Binding
from core.endpoint.exchange import Route
from core.endpoint.extension import Push
from core.endpoint.partner import PartnerEndpoint
from core.endpoint.routing import Found
from core.model.services import Service


class Switch(Protocol):
    """Passes on what is addressed to others (6.4.1)."""

    @property
    def pushes(self) -> Mapping[str, Push]:
        """How the objects of its own are sent that were marked in the outbox."""
        ...

    @property
    def services(self) -> Mapping[str, Service]:
        """What an agreement has to name, by extension module that it passes on."""
        ...

    def offered(self, version: str) -> Sequence[PartnerEndpoint]:
        """The module interfaces that it passes on, at its own URLs."""
        ...

    def routes(self, binding: Binding, page_limit: int) -> Iterator[Route]:
        """What it answers itself."""
        ...

    def find(self, raw_path: str) -> Found | None:
        """What it passes on from this path."""
        ...
