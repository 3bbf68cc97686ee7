"""Lists in pages: dates, offset and limit asked for, the Link to the next page, totals."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import urlencode

from pydantic_core import PydanticCustomError

from core.endpoint.exchange import Answer, Page, PageRequest, Request, Route
from core.endpoint.ocpi.envelope import list_text
from core.endpoint.ocpi.kinds import read_timestamp
from core.endpoint.ports import ObjectSource
from core.errors import InvalidInput

_LARGEST_OFFSET = 10**9
_log = logging.getLogger(__name__)


def list_routes(
    module: str,
    source: ObjectSource | None,
    page_limit: int,
    written: Callable[[str], str] = str,
    *,
    needs_date_from: bool = False,
) -> Iterator[Route]:
    """The list of objects that we own, none without a source. written: the text of one in the version of this list."""
    if source is None:
        return
    known = source

    async def get(request: Request) -> Answer:
        if needs_date_from and "date_from" not in request.query:
            raise InvalidInput("date_from is required here.")
        asked = page_request(request, page_limit)
        return page_answer(request, asked, await known.page(request.partner, asked), page_limit, written)

    yield Route(module, "SENDER", "GET", "", get)


def page_request(request: Request, page_limit: int) -> PageRequest:
    """What part is asked for. Raises InvalidInput."""
    limit = min(_whole(request, "limit", page_limit), page_limit)
    if limit == 0:
        raise InvalidInput("limit has to be at least 1.")
    return PageRequest(
        date_from=moment_of(request, "date_from"),
        date_to=moment_of(request, "date_to"),
        offset=_whole(request, "offset", 0),
        limit=limit,
    )


def page_answer(
    request: Request, asked: PageRequest, page: Page, page_limit: int, written: Callable[[str], str] = str
) -> Answer:
    """A page with its headers; X-Limit is the most that we give, whatever was asked for.

    An object that cannot be told in the version of the list is left out of it.
    """
    headers = {"X-Total-Count": str(page.total), "X-Limit": str(page_limit)}
    following = asked.offset + len(page.bodies) if page.following is None else page.following
    if page.bodies and following < page.total:
        filters = [(name, request.query[name]) for name in ("date_from", "date_to") if name in request.query]
        query = urlencode([*filters, ("offset", str(following)), ("limit", str(asked.limit))])
        headers["Link"] = f'<{request.url}?{query}>; rel="next"'
    return Answer(list_text(_written(page, written)), headers=headers)


def _written(page: Page, written: Callable[[str], str]) -> Iterator[str]:
    for body in page.bodies:
        try:
            yield written(body)
        except InvalidInput as error:
            _log.warning("an object is left out of a list: %s", error.message)


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text) <= _LARGEST_OFFSET):
        raise InvalidInput(f"{name} has to be a whole number.")
    return int(text)


def moment_of(request: Request, name: str) -> datetime | None:
    """A moment in the query. Raises InvalidInput."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return read_timestamp(text)
    except PydanticCustomError as error:
        raise InvalidInput(f"{name}: {error.message()}") from error
