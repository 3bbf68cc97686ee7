"""The extension module `settlements` (6.4.3), as OCPI has none: the sides of a batch read its statement, confirm it."""

from collections.abc import Callable
from typing import Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Page, PageRequest, Request, Route
from core.endpoint.extension import Extension, module_id
from core.endpoint.extensions.clearing_json import read_answer, written
from core.endpoint.modules.lists import page_answer, page_request
from core.endpoint.partner import Partner
from core.model.clearing.statement import Statement
from core.model.parties import Party
from core.model.services import Service

MODULE = module_id("settlements")
_PAGE_LIMIT = 20
_MOST_PAGES = 1000


class Settler(Protocol):
    """What a clearing house shows of its batches. `parties` are those that the sender speaks for."""

    def statements(self, parties: frozenset[Party], request: PageRequest) -> tuple[list[Statement], int]:
        """Those of which one of them is a side, newest first, and how many there are."""
        ...

    def statement(self, parties: frozenset[Party], batch_id: str) -> Statement:
        """One of them. Raises NotFound."""
        ...

    async def confirm(self, parties: frozenset[Party], batch_id: str) -> None:
        """The word of every side that the sender speaks for. Raises NotFound, Refused (wrong_state)."""
        ...


def settling(settler: Settler) -> Extension:
    """The clearing house's side."""

    async def many(request: Request) -> Answer:
        asked = page_request(request, _PAGE_LIMIT)
        found, total = settler.statements(_parties(request), asked)
        return page_answer(request, asked, Page(tuple(map(written, found)), total), _PAGE_LIMIT)

    async def one(request: Request) -> Answer:
        return Answer(written(settler.statement(_parties(request), request.path["batch_id"])))

    async def confirm(request: Request) -> Answer:
        parties, batch_id = _parties(request), request.path["batch_id"]
        await settler.confirm(parties, batch_id)
        return Answer(written(settler.statement(parties, batch_id)))

    routes = (
        Route(MODULE, "RECEIVER", "GET", "/batches", many),
        Route(MODULE, "RECEIVER", "GET", "/batches/{batch_id}", one),
        Route(MODULE, "RECEIVER", "POST", "/batches/{batch_id}/confirm", confirm),
    )
    return Extension(Service.SETTLEMENT, routes)


async def pull_statements(
    calls: Calls, house: Partner, is_known: Callable[[Statement], bool] = lambda _statement: False
) -> list[Statement]:
    """The statements of our batches, newest first, up to a page that holds known ones alone.

    Raises as `Calls.extension`.
    """
    found: list[Statement] = []
    for _ in range(_MOST_PAGES):
        query = {"offset": str(len(found)), "limit": str(_PAGE_LIMIT)}
        reply = await calls.extension(house, Service.SETTLEMENT, "GET", MODULE, "RECEIVER", "batches", query=query)
        items = reply.data if isinstance(reply.data, list) else []
        page = [read_answer(Statement, item) for item in items]
        found += page
        if len(items) < _PAGE_LIMIT or all(map(is_known, page)):
            break
    return found


async def confirm_batch(calls: Calls, house: Partner, batch_id: str) -> Statement:
    """Confirm a batch as calculated. Raises as `Calls.extension`."""
    segments = ("batches", batch_id, "confirm")
    reply = await calls.extension(house, Service.SETTLEMENT, "POST", MODULE, "RECEIVER", *segments)
    return read_answer(Statement, reply.data)


def _parties(request: Request) -> frozenset[Party]:
    return frozenset(role.party for role in request.partner.roles)
