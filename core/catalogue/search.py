"""Search as you type: sites that have the typed words (place, street, operator, EVSE id, postal code), by distance."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, exists, select, tuple_

from core.catalogue.filters import Filters
from core.catalogue.folding import folded_words
from core.catalogue.grid import Point
from core.catalogue.nearest import check_point, find_all, find_nearest
from core.catalogue.rows import Found, SiteRow, read_rows
from core.store.search_index import TEXT_OF_SITE, contains_words, has_words, site_text
from core.store.tables import site

_LONGEST_TEXT = 200
_MOST_WORDS = 12
_FEW = 1000


def search(connection: Connection, text: str, point: Point, filters: Filters, limit: int = 200) -> list[SiteRow]:
    """The `limit` nearest sites that fit and have, for every word typed, a word that begins so.

    An EVSE id may be written in any form, since all that was typed also counts as one word. Case, accents and
    punctuation do not matter; a text without letters and digits asks nothing. No text makes an error; a point that is
    not on the globe raises InvalidInput.
    """
    check_point(point)
    return read_rows(connection, find(connection, text, point, filters, limit), filters)


def find(connection: Connection, text: str, point: Point, filters: Filters, limit: int) -> list[Found]:
    """As `search`, before the rows are read.

    Few matches are all measured. Many, and the nearest are found by growing rings, whose sites are then asked for the
    words: either way the nearest matches are certain, which taking the best by rank, or just some, would not give.
    """
    alternatives = _alternatives(text)
    if not alternatives:
        return find_nearest(connection, point, filters, limit, None, ())
    few = find_all(connection, point, filters, [indexed(connection, alternatives)], _FEW)
    if few is not None:
        return few[:limit]
    written = exists().where(TEXT_OF_SITE, contains_words(alternatives))
    return find_nearest(connection, point, filters, limit, None, [written])


def indexed(connection: Connection, alternatives: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    """The site is one of those that the index finds for any of the alternatives, all parts of it."""
    keys = select(site_text.c.country_code, site_text.c.party_id, site_text.c.site_id)
    return tuple_(site.c.country_code, site.c.party_id, site.c.id).in_(keys.where(has_words(connection, alternatives)))


def _alternatives(text: str) -> list[list[str]]:
    words = folded_words(text[:_LONGEST_TEXT])[:_MOST_WORDS]
    if len(words) < 2:
        return [words] if words else []
    return [words, ["".join(words)]]
