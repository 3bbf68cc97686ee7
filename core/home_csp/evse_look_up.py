"""The post that a scanned or typed EVSE id names, or those that it may have meant."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, Row, select

from core.catalogue.conditions import EVSE_OF_SITE
from core.catalogue.keys import SiteKey
from core.driver_messages import EvseFound
from core.errors import NotFound
from core.home_csp.agreed import Agreed
from core.home_csp.context import Context
from core.home_csp.finding import open_site
from core.home_csp.private_sites import private_sites_of
from core.model.identifiers import EvseId
from core.model.parties import ObjectKey
from core.store.tables import evse, site

_MOST_NEAR_MISSES = 3
_OPERATOR_ID_LENGTH = 6
"""Country, operator and the E of an EVSE id, without separators."""


def find_evse(connection: Connection, context: Context, evse_id: str, contract_id: str | None) -> EvseFound:
    """The equipment that an id names, in any written form. Raises InvalidInput, or NotFound with near misses.

    A post of a private site is not known to a stranger, neither by its id nor by one that is nearly right.
    """
    wanted = EvseId.parse(evse_id)
    private, agreed = private_sites_of(connection, context, contract_id), Agreed(context)
    row = next(_shown(connection, private, agreed, evse.c.evse_key == wanted.key), None)
    if row is None:
        same_operator = evse.c.evse_key.startswith(wanted.key[:_OPERATOR_ID_LENGTH], autoescape=True)
        near = [
            one.evse_id
            for one in _shown(connection, private, agreed, same_operator)
            if differs_by_one(one.evse_key, wanted.key)
        ][:_MOST_NEAR_MISSES]
        raise NotFound(
            f"{wanted} is not a post we know",
            code="unknown_evse",
            next_step=f"Did you mean {' or '.join(near)}?" if near else "Compare it with the label on the post.",
        )
    key = ObjectKey(country_code=row.country_code, party_id=row.party_id, id=row.site_id)
    return EvseFound(site=open_site(connection, context, key, contract_id), evse_uid=row.uid)


def _shown(
    connection: Connection, private: frozenset[SiteKey], agreed: Agreed, condition: ColumnElement[bool]
) -> Iterator[Row[str]]:
    rows = connection.execute(
        select(evse.c.country_code, evse.c.party_id, evse.c.site_id, evse.c.uid, evse.c.evse_key, evse.c.evse_id)
        .add_columns(site.c.published, site.c.partner_id)
        .join(site, EVSE_OF_SITE)
        .where(condition, site.c.removed.is_(False))
        .order_by(evse.c.evse_key)
    )
    for row in rows:
        key = ObjectKey(country_code=row.country_code, party_id=row.party_id, id=row.site_id)
        published = row.published or SiteKey(row.country_code, row.party_id, row.site_id) in private
        if published and agreed.shows(row.partner_id, key):
            yield row


def differs_by_one(one: str, other: str) -> bool:
    """Whether two ids differ in one character, one too many, or two neighbours exchanged."""
    if len(one) == len(other):
        places = [index for index, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
        if len(places) == 2 and places[1] == places[0] + 1:
            return one[places[0]] == other[places[1]] and one[places[1]] == other[places[0]]
        return len(places) == 1
    shorter, longer = sorted((one, other), key=len)
    return len(longer) == len(shorter) + 1 and any(
        longer[:index] + longer[index + 1 :] == shorter for index in range(len(longer))
    )
