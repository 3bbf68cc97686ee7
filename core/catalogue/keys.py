"""Keys of sites, and many of them as a table that a query can join with."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    String,
    Subquery,
    Table,
    Text,
    and_,
    cast,
    func,
    literal,
    select,
    type_coerce,
)


class SiteKey(NamedTuple):
    """The key of a site; its order is the order of sites at equal distance."""

    country_code: str
    party_id: str
    id: str


def key_table(connection: Connection, keys: Iterable[SiteKey]) -> Subquery:
    """The keys as a table (country_code, party_id, site_id).

    Joined with it, a table is looked up by its index; a list of tuples in a condition makes SQLite read it all.
    """
    text = literal(json.dumps(list(keys)), Text)
    if connection.dialect.name == "sqlite":
        rows = func.json_each(text).table_valued("value", name="key")
        parts: list[ColumnElement[Any]] = [func.json_extract(rows.c.value, f"$[{place}]") for place in range(3)]
    else:
        rows = func.json_array_elements(cast(text, JSON)).table_valued("value", name="key")
        parts = [rows.c.value.op("->>")(place) for place in range(3)]
    columns = zip(("country_code", "party_id", "site_id"), parts, strict=True)
    return select(*(type_coerce(part, String).label(name) for name, part in columns)).subquery("wanted")


def same_site(table: Table, wanted: Subquery) -> ColumnElement[bool]:
    """The row of the table belongs to a wanted site."""
    site_id = table.c.id if "site_id" not in table.c else table.c.site_id
    return and_(
        table.c.country_code == wanted.c.country_code,
        table.c.party_id == wanted.c.party_id,
        site_id == wanted.c.site_id,
    )
