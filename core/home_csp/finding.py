"""Sites as a driver finds and opens them, with the price of the driver's own session at each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from core.catalogue.filters import STATUS_TIME_TO_LIVE, Filters, connectors_named
from core.catalogue.grid import Point
from core.catalogue.keys import SiteKey
from core.catalogue.nearest import nearest
from core.catalogue.opening import is_open
from core.catalogue.places import places
from core.catalogue.rows import Found, SiteRow, read_rows
from core.catalogue.search import search
from core.catalogue.writing import connector_power_w
from core.driver_messages import (
    Availability,
    ConnectorView,
    EvseView,
    Money,
    Need,
    Place,
    Problem,
    SiteList,
    SiteQuery,
    SiteSummary,
    SiteView,
)
from core.home_csp.agreed import Agreed
from core.home_csp.context import Context
from core.home_csp.labels import hours_in_words
from core.home_csp.opened import OpenedConnector, OpenedSite, connector_of, opened_site, read_site
from core.home_csp.outages import notice_view, notices_at
from core.home_csp.private_sites import private_sites_of
from core.model.parties import ObjectKey, Party
from core.model.sites import Capability, Connector, EvSupplyEquipment, Status
from core.store.sessions import load_open_at
from core.store.tables import favourite

PriceOf = Callable[[Context, OpenedConnector, Need, datetime], Money | None]
"""What the driver would pay for a need at a connector; None where no price is known."""


def find_sites(
    connection: Connection, context: Context, query: SiteQuery, contract_id: str | None, price: PriceOf
) -> SiteList:
    """The nearest or best sites for a query, each with the price of the driver's session."""
    favourites = _favourites(connection, contract_id)
    agreed = Agreed(context)
    private = private_sites_of(connection, context, contract_id)
    filters = _filters(query, context.clock.now(), favourites, private, agreed)
    point = Point(float(query.latitude or 0), float(query.longitude or 0))
    radius = None if query.radius_km is None else float(query.radius_km) * 1000
    if query.text.strip():
        rows = search(connection, query.text, point, filters, query.limit)
        rows = [row for row in rows if radius is None or row.distance_m <= radius]
    else:
        rows = nearest(connection, point, filters, query.limit, radius_m=radius)
    summaries = [_summary(row, favourites, agreed) for row in rows]
    if query.need is not None:
        priced = _SessionPrices(connection, context, query.need, filters, price, agreed)
        summaries = [priced.beside(one) if one.roaming else one for one in summaries]
    shown = tuple(one for one in summaries if _within(one.price, query.price_cap))
    return SiteList(sites=shown, at=filters.moment, more=len(rows) == query.limit)


def _within(price: Money | None, cap: Money | None) -> bool:
    """Whether a price is known not to exceed the cap; amounts in different currencies are not compared."""
    if cap is None:
        return True
    return price is not None and price.currency == cap.currency and price.amount <= cap.amount


def open_site(connection: Connection, context: Context, key: ObjectKey, contract_id: str | None) -> SiteView:
    """One site with its EV supply equipment. Raises NotFound."""
    opened = opened_site(connection, context, key, contract_id)
    now = context.clock.now()
    filters = Filters(moment=now)
    site_key = SiteKey(key.country_code, key.party_id, key.id)
    [row] = read_rows(connection, [Found(0.0, site_key)], filters)
    summary = _summary(row, _favourites(connection, contract_id), opened.agreed)
    times = opened.site.opening_times
    return SiteView(
        summary=summary,
        postal_code=opened.site.postal_code or "",
        country=opened.site.country,
        time_zone=opened.site.time_zone,
        open_now=None if times is None else is_open(times, opened.site.time_zone, now),
        hours=() if times is None else hours_in_words(times.weekly) if not times.always else ("24/7",),
        directions=next((one.text for one in opened.site.directions), ""),
        evses=tuple(
            _evse_view(connection, context, opened, one, filters)
            for one in opened.site.equipment
            if one.status is not Status.REMOVED
        ),
        notices=tuple(
            notice_view(one, now)
            for one in notices_at(connection, Party(country_code=key.country_code, party_id=key.party_id), key.id, now)
        ),
        refusal=opened.agreed.problem(opened.partner_id),
    )


def find_places(connection: Connection, text: str) -> tuple[Place, ...]:
    """Named places that begin like the text."""
    return tuple(
        Place(
            name=one.name,
            country=one.country,
            latitude=Decimal(str(one.point.latitude)),
            longitude=Decimal(str(one.point.longitude)),
        )
        for one in places(connection, text)[:20]
    )


def _filters(
    query: SiteQuery, now: datetime, favourites: frozenset[SiteKey], private: frozenset[SiteKey], agreed: Agreed
) -> Filters:
    return Filters(
        moment=now,
        status_time_to_live=STATUS_TIME_TO_LIVE,
        connectors=frozenset() if query.connector is None else connectors_named(query.connector),
        min_power_w=int((query.min_kw or 0) * 1000),
        free=query.free,
        operator=query.operator,
        open_now=query.open_now,
        roaming=query.roaming or query.price_cap is not None,
        partners=agreed.partners,
        scopes=agreed.scopes,
        among=favourites if query.favourites else None,
        private=private,
    )


def _favourites(connection: Connection, contract_id: str | None) -> frozenset[SiteKey]:
    if contract_id is None:
        return frozenset()
    rows = connection.execute(
        select(favourite.c.country_code, favourite.c.party_id, favourite.c.site_id).where(
            favourite.c.contract_id == contract_id
        )
    )
    return frozenset(SiteKey(row.country_code, row.party_id, row.site_id) for row in rows)


def _summary(row: SiteRow, favourites: frozenset[SiteKey], agreed: Agreed) -> SiteSummary:
    problem = agreed.problem(row.partner_id)
    return SiteSummary(
        key=ObjectKey(country_code=row.country_code, party_id=row.party_id, id=row.id),
        name=row.name,
        address=row.address,
        city=row.city,
        operator=row.operator,
        latitude=row.latitude,
        longitude=row.longitude,
        distance_m=Decimal(str(round(row.distance_m, 1))),
        free=row.free,
        total=row.evses,
        max_kw=row.max_kw,
        availability=_availability(row),
        status_at=row.status_at,
        roaming=problem is None,
        favourite=SiteKey(row.country_code, row.party_id, row.id) in favourites,
        price_reason="" if problem is None else problem.code,
    )


def _availability(row: SiteRow) -> Availability:
    if row.free:
        return Availability.FREE if row.free == row.evses else Availability.PARTLY
    if row.occupied:
        return Availability.BUSY
    if row.out_of_order and row.out_of_order == row.evses:
        return Availability.OUT_OF_ORDER
    return Availability.UNKNOWN


@dataclass
class _SessionPrices:
    """The driver's session priced at many sites; alike connectors under one tariff are priced once."""

    _connection: Connection
    _context: Context
    _need: Need
    _filters: Filters
    _price: PriceOf
    _agreed: Agreed
    _known: dict[tuple[object, ...], Money | None] = field(default_factory=dict)

    def beside(self, summary: SiteSummary) -> SiteSummary:
        """The row with the lowest price at a connector that fits the filters, or the reason why there is none."""
        opened = read_site(self._connection, self._context, summary.key, self._agreed)
        fitting = [
            self._at(opened, equipment, connector)
            for equipment in opened.site.equipment
            for connector in equipment.connectors
            if equipment.status is not Status.REMOVED and _fits(connector, self._filters)
        ]
        prices = [one for one in fitting if one is not None]
        if not prices:
            return summary.model_copy(update={"price_reason": "no_tariff"})
        return summary.model_copy(update={"price": min(prices, key=lambda one: one.amount)})

    def _at(self, opened: OpenedSite, equipment: EvSupplyEquipment, connector: Connector) -> Money | None:
        site = opened.site
        owner = (site.country_code, site.party_id, site.time_zone)
        strength = (connector_power_w(connector), connector.power_type, connector.charging_volts)
        alike = (*owner, connector.tariff_ids, *strength)
        if alike not in self._known:
            here = connector_of(self._connection, self._context, opened, equipment, connector)
            self._known[alike] = self._price(self._context, here, self._need, self._filters.moment)
        return self._known[alike]


def _fits(connector: Connector, filters: Filters) -> bool:
    standard = not filters.connectors or connector.standard in filters.connectors
    return standard and connector_power_w(connector) >= filters.min_power_w


def _evse_view(
    connection: Connection, context: Context, opened: OpenedSite, equipment: EvSupplyEquipment, filters: Filters
) -> EvseView:
    status, at = opened.statuses.get(equipment.uid, (equipment.status, equipment.last_updated))
    counted = filters.status_now(status, at)
    connectors = tuple(connector_of(connection, context, opened, equipment, one).view for one in equipment.connectors)
    refusal = _refusal(connection, context, opened, equipment, counted, connectors)
    return EvseView(
        uid=equipment.uid,
        evse_id=equipment.evse_id or "",
        label=equipment.physical_reference or "",
        status=counted,
        status_at=at,
        source="operator" if opened.partner_id else "import",
        connectors=connectors,
        startable=refusal is None,
        refusal=refusal,
    )


def _refusal(
    connection: Connection,
    context: Context,
    opened: OpenedSite,
    equipment: EvSupplyEquipment,
    status: Status,
    connectors: tuple[ConnectorView, ...],
) -> Problem | None:
    """Why one cannot start here now; None where one can. A status that is not known hinders nobody from trying."""
    problem = opened.agreed.problem(opened.partner_id)
    if problem is not None:
        return problem
    if not equipment.can(Capability.REMOTE_START_STOP_CAPABLE):
        return _problem("no_remote_start", "This post cannot be started from here", "Hold your card to its reader.")
    if status in {Status.OUTOFORDER, Status.INOPERATIVE, Status.PLANNED}:
        return _problem("out_of_order", "This post is out of order", "Choose another post.")
    operator = Party(country_code=opened.site.country_code, party_id=opened.site.party_id)
    held = load_open_at(connection, context.party, equipment.uid, operator)
    if held or status in {Status.CHARGING, Status.BLOCKED}:
        return _problem("evse_occupied", "This post is in use", "Choose another post.")
    if status is Status.RESERVED:
        return _problem("evse_reserved", "This post is reserved", "Choose another post.")
    if not any(one.tariff_known for one in connectors):
        return _problem("no_tariff", "The operator has told no price", "Choose another post.")
    return None


def _problem(code: str, message: str, next_step: str) -> Problem:
    return Problem(code=code, message=message, next_step=next_step)
