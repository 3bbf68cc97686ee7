"""Pages of stored JSON bodies, in the order in which they changed (the pull side of every module).

What is listed has an index by its owner, the moment and its keys: a page then reads no other bodies than its own.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, bindparam, func
from sqlalchemy.sql import Select

from core.endpoint.exchange import Page, PageRequest
from core.store.prepared import Prepared


class Listing:
    """A list that partners ask for in pages. Made once: building its statements takes longer than running them."""

    def __init__(self, query: Select[str], updated: Column[datetime], keys: Sequence[Column[str]]) -> None:
        """query: selects bodies; it may have parameters, which `page` is given then."""
        self._statements = {
            (since, until): tuple(
                map(Prepared, _statements(_within(query, updated, since=since, until=until), updated, keys))
            )
            for since in (False, True)
            for until in (False, True)
        }

    def page(self, connection: Connection, request: PageRequest, **parameters: object) -> Page:
        """The part of the list that is asked for; date_from is inclusive, date_to exclusive."""
        count, bodies = self._statements[request.date_from is not None, request.date_to is not None]
        dates = {"date_from": request.date_from, "date_to": request.date_to}
        given = parameters | {name: moment for name, moment in dates.items() if moment is not None}
        total: int = count.scalar(connection, given)
        part = bodies.column(connection, given | {"page_offset": request.offset, "page_limit": request.limit})
        return Page(tuple(part), total)


class ScopedListing:
    """A list of which each partner sees the part that its agreement names."""

    def __init__(
        self,
        query: Select[str],
        updated: Column[datetime],
        keys: Sequence[Column[str]],
        scopes: Mapping[str, Column[str]],
    ) -> None:
        """scopes: columns that an agreement may restrict, by the name that `page` is given their values by."""
        self._query, self._updated, self._keys, self._scopes = query, updated, keys, scopes
        self._listings: dict[frozenset[str], Listing] = {}

    def page(self, connection: Connection, request: PageRequest, **only: Collection[str] | None) -> Page:
        """As `Listing.page`, with only these values in each column; None: with any."""
        given = {name: sorted(values) for name, values in only.items() if values is not None}
        named = frozenset(given)
        if named not in self._listings:
            within = (self._scopes[name].in_(bindparam(name, expanding=True)) for name in sorted(named))
            self._listings[named] = Listing(self._query.where(*within), self._updated, self._keys)
        return self._listings[named].page(connection, request, **given)


def _within(query: Select[str], updated: Column[datetime], *, since: bool, until: bool) -> Select[str]:
    if since:
        query = query.where(updated >= bindparam("date_from"))
    if until:
        query = query.where(updated < bindparam("date_to"))
    return query


def _statements(
    query: Select[str], updated: Column[datetime], keys: Sequence[Column[str]]
) -> tuple[Select[int], Select[str]]:
    """How many there are, and those of a page."""
    # Over the same rows without their bodies, which a count must not read.
    count = query.with_only_columns(func.count(), maintain_column_froms=True)
    part = query.order_by(updated, *keys).offset(bindparam("page_offset")).limit(bindparam("page_limit"))
    return count, part
