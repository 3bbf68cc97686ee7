"""What crosses the endpoint, free of any web framework: a request from a partner, the answer to it, a route."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.endpoint.partner import Partner
from core.model.parties import Party

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]
"""JSON as read from the wire; numbers with a fraction are Decimal, which type checkers see as an opaque member."""


@dataclass(frozen=True)
class Request:
    """One authenticated request: who asks, for whom, and what.

    `body` and `raw_query` are as they came; `url` is ours, without query.
    """

    partner: Partner
    method: str
    url: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    received_at: datetime
    from_party: Party | None
    to_party: Party | None
    request_id: str
    correlation_id: str
    raw_query: str = ""


@dataclass(frozen=True)
class Answer:
    """What goes back: `data` is JSON text already (stored bodies are spliced, not parsed), None for no data.

    whole: the whole body instead of an envelope of ours, as a clearing house passes it on.
    """

    data: str | None = None
    status_code: int = 1000
    status_message: str = "Success"
    http_status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    whole: bytes | None = None


@dataclass(frozen=True)
class Page:
    """A page of stored JSON bodies, newest state, ordered by last_updated and key; `total` counts the whole list.

    following: the offset of the next page, where it is not that behind these bodies because some were left out.
    """

    bodies: tuple[str, ...]
    total: int
    following: int | None = None


@dataclass(frozen=True)
class PageRequest:
    """Which part of a list is asked for: date_from inclusive, date_to exclusive, offset and limit in objects."""

    date_from: datetime | None
    date_to: datetime | None
    offset: int
    limit: int


Handler = Callable[[Request], Awaitable[Answer]]


@dataclass(frozen=True)
class Route:
    """A handler of one module interface: path below the module's URL, like `/{country_code}/{party_id}/{id}`."""

    module: str
    interface: str
    method: str
    path: str
    handler: Handler
