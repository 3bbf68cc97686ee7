"""What is asked of a site, as conditions of a query."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, exists, or_, tuple_

from core.catalogue.filters import Filters
from core.catalogue.grid import CellRange
from core.catalogue.keys import SiteKey
from core.model.sites import Status
from core.store.tables import connector, evse, site

EVSE_OF_SITE = and_(
    evse.c.country_code == site.c.country_code,
    evse.c.party_id == site.c.party_id,
    evse.c.site_id == site.c.id,
)
CONNECTOR_OF_EVSE = and_(
    connector.c.country_code == evse.c.country_code,
    connector.c.party_id == evse.c.party_id,
    connector.c.site_id == evse.c.site_id,
    connector.c.evse_uid == evse.c.uid,
)


def in_cells(ranges: Sequence[CellRange]) -> ColumnElement[bool]:
    """The site lies in one of these cells."""
    return or_(*(site.c.cell.between(one.first, one.last) for one in ranges))


def may_be_shown(private: Collection[SiteKey] = ()) -> ColumnElement[bool]:
    """The site is not removed, and published (OCPI rules, 13) or one of the private ones that who asks may see."""
    published = site.c.published.is_(True)
    return and_(site.c.removed.is_(False), or_(published, _is_one_of(private)) if private else published)


def _is_one_of(keys: Collection[SiteKey]) -> ColumnElement[bool]:
    return tuple_(site.c.country_code, site.c.party_id, site.c.id).in_(sorted(keys))


def fits(filters: Filters) -> list[ColumnElement[bool]]:
    """All filters but the opening hours; those on equipment hold together, on one connector of one of the site's."""
    conditions: list[ColumnElement[bool]] = []
    if filters.operator is not None:
        conditions.append(site.c.operator == filters.operator)
    if filters.roaming:
        told = site.c.partner_id
        conditions.append(told.is_not(None) if filters.partners is None else told.in_(sorted(filters.partners)))
    for partner_id, keys in filters.scopes:
        of_others = or_(site.c.partner_id.is_(None), site.c.partner_id != partner_id)
        conditions.append(or_(of_others, _is_one_of(keys)))
    if filters.among is not None:
        conditions.append(_is_one_of(filters.among))
    equipment = _equipment(filters)
    if equipment:
        conditions.append(exists().where(EVSE_OF_SITE, evse.c.status != Status.REMOVED.value, *equipment))
    return conditions


def _equipment(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.free:
        conditions += [evse.c.status == Status.AVAILABLE.value, evse.c.status_at >= filters.fresh_since()]
    plug: list[ColumnElement[bool]] = []
    if filters.connectors:
        plug.append(connector.c.standard.in_(sorted(one.value for one in filters.connectors)))
    if filters.min_power_w > 0:
        plug.append(connector.c.max_power_w >= filters.min_power_w)
    if plug:
        conditions.append(exists().where(CONNECTOR_OF_EVSE, *plug).correlate(evse))
    return conditions
