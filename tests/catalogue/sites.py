"""Sites for the tests of the catalogue, and the questions that are asked of it by measuring every one of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.catalogue.filters import Filters
from core.catalogue.grid import Point, distance_m
from core.catalogue.keys import SiteKey
from core.catalogue.writing import Told, write_sites
from core.model.sites import (
    Business,
    Connector,
    ConnectorFormat,
    ConnectorStandard,
    EvSupplyEquipment,
    GeoPoint,
    OpeningTimes,
    PowerType,
    Site,
    Status,
)
from core.store.engine import Store
from core.store.wire_text import WireText

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CCS = ConnectorStandard.IEC_62196_T2_COMBO
TYPE_2 = ConnectorStandard.IEC_62196_T2
ALL = Filters(moment=NOON)


def make_connector(number: int = 1, standard: ConnectorStandard = TYPE_2, power: int = 22_000) -> Connector:
    return Connector(
        id=str(number),
        standard=standard,
        format=ConnectorFormat.SOCKET,
        power_type=PowerType.AC_3_PHASE,
        max_voltage=230,
        max_current=32,
        max_power=power,
        last_updated=NOON,
    )


def make_evse(
    uid: str = "1",
    *connectors: Connector,
    status: Status = Status.AVAILABLE,
    evse_id: str | None = None,
    age: timedelta = timedelta(),
) -> EvSupplyEquipment:
    return EvSupplyEquipment(
        uid=uid,
        evse_id=evse_id,
        status=status,
        connectors=connectors or (make_connector(),),
        last_updated=NOON - age,
    )


def make_site(
    site_id: str = "S1",
    latitude: str | float = "49.4875",
    longitude: str | float = "8.466",
    *evses: EvSupplyEquipment,
    party_id: str = "ABC",
    name: str | None = None,
    address: str = "Street 1",
    city: str = "Town",
    country: str = "DEU",
    postal_code: str | None = None,
    operator: str | None = None,
    opening_times: OpeningTimes | None = None,
    publish: bool = True,
    last_updated: datetime = NOON,
) -> Site:
    return Site(
        country_code="DE",
        party_id=party_id,
        id=site_id,
        publish=publish,
        name=name,
        address=address,
        city=city,
        country=country,
        postal_code=postal_code,
        operator=None if operator is None else Business(name=operator),
        point=GeoPoint(latitude=Decimal(str(latitude)), longitude=Decimal(str(longitude))),
        equipment=evses or (make_evse(),),
        time_zone="Europe/Berlin",
        opening_times=opening_times,
        last_updated=last_updated,
    )


async def put(store: Store, *sites: Site, partner_id: str | None = None, body: str = "{}") -> list[str]:
    told = [Told(site, WireText(body, "2.3.0")) for site in sites]
    return await store.write(lambda connection: write_sites(connection, told, partner_id=partner_id, source="test"))


def measured(
    sites: Iterable[Site], point: Point, limit: int, radius_m: float | None = None
) -> list[tuple[float, SiteKey]]:
    """What `nearest` has to answer: every site measured, ordered by distance, ties by party and id."""
    distances = [
        (
            distance_m(point, Point(float(site.point.latitude), float(site.point.longitude))),
            SiteKey(site.country_code, site.party_id, site.id),
        )
        for site in sites
    ]
    return sorted(one for one in distances if radius_m is None or one[0] <= radius_m)[:limit]


def ids(rows: Sequence[object]) -> list[str]:
    return [row.id for row in rows]  # type: ignore[attr-defined]  # rows and keys alike have an id
