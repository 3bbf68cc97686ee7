"""GET All through the clearing house: one list of the objects of all parties that agreed to the asker's asking.

OCPI says that a hub can combine them (transport and format, GET All via Hubs), and no more: that the lists follow one
another, by party, that whoever is known to be away is left out, and that the answer is an error and never a part of the
list where another party fails, is ours [J].
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlencode

from core.clearing_house.addresses import Address
from core.clearing_house.onward import Delivered, HubError
from core.clearing_house.ownership import owner_of
from core.clearing_house.passage import Destination, admits
from core.endpoint.exchange import Page, PageRequest
from core.endpoint.ocpi.envelope import Item, read_envelope
from core.endpoint.ocpi.paging import total_count
from core.endpoint.ocpi.reading import JsonObject
from core.errors import InvalidInput

Ask = Callable[[Destination, str], Awaitable[Delivered]]
"""Asks one party for its list with this query. Raises HubError."""
Found = Callable[[Destination, Sequence[JsonObject]], Awaitable[None]]
"""Told of the objects of a party that go into the list."""

_LISTS = {"locations", "tariffs", "tokens", "sessions", "cdrs"}
_FILTERS = ("date_from", "date_to")


def may_be_gathered(address: Address, method: str) -> bool:
    """Whether a request addressed to the clearing house itself asks for a whole list."""
    return method == "GET" and address.interface == "SENDER" and address.module in _LISTS and not address.below


class Gathering:
    """One such request."""

    def __init__(self, address: Address, query: Mapping[str, str], ask: Ask, found: Found) -> None:
        self._address = address
        self._filters = [(name, query[name]) for name in _FILTERS if name in query]
        self._ask = ask
        self._found = found

    async def page(self, asked: PageRequest, destinations: Sequence[Destination]) -> Page:
        """The objects from `asked.offset` of the whole on, as they came. Raises HubError.

        A failure after the first objects ends the page, and the next one begins with it.
        """
        firsts = await asyncio.gather(*(self._part(one, 0, 1) for one in destinations))
        total, at, begin = sum(one[1] for one in firsts), asked.offset, 0
        bodies: list[str] = []
        for destination, (_, count) in zip(destinations, firsts, strict=True):
            end = begin + count
            while begin <= at < end and len(bodies) < asked.limit:
                try:
                    items, _ = await self._part(destination, at - begin, asked.limit - len(bodies))
                except HubError:
                    if bodies:
                        return Page(tuple(bodies), total, at)
                    raise
                bodies += await self._agreed(destination, items)
                at = at + len(items) if items else end  # a list that has become shorter meanwhile has ended
            begin = end
        return Page(tuple(bodies), total, at)

    async def _part(self, destination: Destination, offset: int, limit: int) -> tuple[tuple[Item, ...], int]:
        query = urlencode([*self._filters, ("offset", str(offset)), ("limit", str(limit))])
        party, delivered = destination.receiver.party, await self._ask(destination, query)
        try:
            items = read_envelope(delivered.answer.body, delivered.answer.status).items
        except InvalidInput as error:
            raise HubError(f"The list of {party} cannot be read.") from error
        total = total_count(delivered.answer.headers)
        if not delivered.succeeded or items is None or total is None:
            raise HubError(f"{party} gives no list with its length.")
        return items[:limit], total

    async def _agreed(self, destination: Destination, items: Sequence[Item]) -> list[str]:
        """The texts of what is the party's own and within its agreement with the asker."""
        party, agreed, texts = destination.receiver.party, [], []
        for item in items:
            value = item.value
            if not isinstance(value, dict) or owner_of(value) != party:
                continue
            if admits(destination.agreement.terms, self._address.module, party, value):
                agreed.append(value)
                texts.append(item.text)
        await self._found(destination, agreed)
        return texts
