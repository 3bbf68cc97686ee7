"""A site as a row of a list: where it is, how far, and what its EV supply equipment is doing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Subquery, func, select

from core.catalogue.conditions import CONNECTOR_OF_EVSE
from core.catalogue.filters import Filters
from core.catalogue.keys import SiteKey, key_table, same_site
from core.model.sites import Status
from core.store.tables import connector, evse, site

OCCUPIED = frozenset({Status.CHARGING, Status.RESERVED, Status.BLOCKED})
OUT_OF_ORDER = frozenset({Status.INOPERATIVE, Status.OUTOFORDER, Status.PLANNED})


class Found(NamedTuple):
    """A site that was found, and how far away it is in metres."""

    distance_m: float
    key: SiteKey


@dataclass(frozen=True, slots=True)
class SiteRow:
    """What a list says of a site.

    distance_m: metres on the sphere. evses counts what is not removed, as free + occupied + out_of_order + unknown;
    status_at is the moment of the latest word that still counts. max_power_w: of its strongest connector, 0 where
    there is none. roaming: a partner told it; partner_id: which one. source: who told.
    """

    country_code: str
    party_id: str
    id: str
    name: str
    address: str
    city: str
    postal_code: str
    operator: str
    latitude: Decimal
    longitude: Decimal
    time_zone: str
    distance_m: float
    evses: int
    free: int
    occupied: int
    out_of_order: int
    unknown: int
    status_at: datetime | None
    max_power_w: int
    connectors: tuple[str, ...]
    roaming: bool
    source: str
    partner_id: str | None = None

    @property
    def max_kw(self) -> Decimal:
        """The strongest connector's power in kW."""
        return Decimal(self.max_power_w) / 1000


def read_rows(connection: Connection, found: Sequence[Found], filters: Filters) -> list[SiteRow]:
    """The rows of the sites found, in the order given; `filters` tells which statuses are fresh enough to count."""
    wanted = key_table(connection, [one.key for one in found])
    sites = {
        SiteKey(row.country_code, row.party_id, row.id): row
        for row in connection.execute(select(*_COLUMNS).join_from(wanted, site, same_site(site, wanted)))
    }
    statuses = _statuses(connection, wanted, filters)
    powers = _connectors(connection, wanted)
    return [_row(sites[one.key], one.distance_m, statuses.get(one.key, []), powers.get(one.key, {})) for one in found]


_COLUMNS = [column for column in site.c if column.name not in ("body", "opening_times")]


class _Word(NamedTuple):
    status: Status
    at: datetime


def _statuses(connection: Connection, wanted: Subquery, filters: Filters) -> dict[SiteKey, list[_Word]]:
    query = (
        select(evse.c.country_code, evse.c.party_id, evse.c.site_id, evse.c.status, evse.c.status_at)
        .join_from(wanted, evse, same_site(evse, wanted))
        .where(evse.c.status != Status.REMOVED.value)
    )
    words: dict[SiteKey, list[_Word]] = {}
    for country_code, party_id, site_id, status, at in connection.execute(query):
        words.setdefault(SiteKey(country_code, party_id, site_id), []).append(_Word(filters.status_now(status, at), at))
    return words


def _connectors(connection: Connection, wanted: Subquery) -> dict[SiteKey, dict[str, int]]:
    """The strongest power of each connector standard, by site."""
    query = (
        select(
            evse.c.country_code,
            evse.c.party_id,
            evse.c.site_id,
            connector.c.standard,
            func.max(connector.c.max_power_w),
        )
        .join_from(wanted, evse, same_site(evse, wanted))
        .join(connector, CONNECTOR_OF_EVSE)
        .where(evse.c.status != Status.REMOVED.value)
        .group_by(evse.c.country_code, evse.c.party_id, evse.c.site_id, connector.c.standard)
    )
    powers: dict[SiteKey, dict[str, int]] = {}
    for country_code, party_id, site_id, standard, power in connection.execute(query):
        powers.setdefault(SiteKey(country_code, party_id, site_id), {})[standard] = power
    return powers


def _row(row: Row[Any], distance_m: float, words: Sequence[_Word], powers: Mapping[str, int]) -> SiteRow:
    counts = Counter(word.status for word in words)
    return SiteRow(
        country_code=row.country_code,
        party_id=row.party_id,
        id=row.id,
        name=row.name,
        address=row.address,
        city=row.city,
        postal_code=row.postal_code,
        operator=row.operator,
        latitude=row.latitude,
        longitude=row.longitude,
        time_zone=row.time_zone,
        distance_m=distance_m,
        evses=len(words),
        free=counts[Status.AVAILABLE],
        occupied=sum(counts[status] for status in OCCUPIED),
        out_of_order=sum(counts[status] for status in OUT_OF_ORDER),
        unknown=counts[Status.UNKNOWN],
        status_at=max((word.at for word in words if word.status != Status.UNKNOWN), default=None),
        max_power_w=max(powers.values(), default=0),
        connectors=tuple(sorted(powers)),
        roaming=row.partner_id is not None,
        source=row.source,
        partner_id=row.partner_id,
    )
