"""What a visited-CSO declares from files: its sites out of a catalogue of many operators, and its tariffs.

Told to partners is only what changed since the last start; what a file no longer has is told as removed, never deleted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import select

from core.catalogue.location_files import LocationFile, Record
from core.endpoint.ocpi.v2_2_1.tariffs import TARIFF
from core.endpoint.stored import read_site
from core.errors import InvalidInput
from core.model.parties import Party
from core.model.sites import Capability, EvSupplyEquipment, Site, Status
from core.model.tariffs import Dimension, PriceComponent, Tariff, TariffElement
from core.store.tables import site as site_table
from core.visited_cso.context import Context
from core.visited_cso.platform import VisitedCso
from core.visited_cso.sites import SOURCE, load_site
from core.visited_cso.tariffs import load_tariffs

PER_KWH = "per-kwh"
"""The id of a tariff that is one price per kWh."""

_NO_MOMENT = datetime.min.replace(tzinfo=UTC)
_NOT_THERE = {Status.PLANNED, Status.REMOVED}


@dataclass(frozen=True)
class SitesRead:
    """The sites of one party in a file, and how many of its records were left out with the first reason."""

    sites: tuple[Site, ...]
    left_out: int
    first_reason: str


def read_sites(path: Path, party: Party) -> SitesRead:
    """The sites of a party in a file of OCPI Locations (as `evroam import` reads it).

    Raises BrokenFile where the file cannot be read to its end, InvalidInput where it has no site of the party.
    """
    sites: list[Site] = []
    left_out, first_reason = 0, ""
    for record in LocationFile(path):
        # Other parties' records are most of a national file; reading each of them whole takes half a minute.
        if party.party_id not in record.text.upper():
            continue
        try:
            site = read_site(_bytes(record)).value
        except InvalidInput as error:
            left_out, first_reason = left_out + 1, first_reason or f"record {record.index}: {error.message}"
            continue
        if _is_of(party, site):
            sites.append(site)
    if not sites:
        raise InvalidInput(
            f"{path.name} has no site of {party} that can be read.",
            code="no_sites",
            next_step=first_reason or "Name another party with --party, or another file with --catalogue.",
        )
    return SitesRead(tuple(sites), left_out, first_reason)


def read_tariffs(path: Path, party: Party) -> tuple[Tariff, ...]:
    """The tariffs in a file of OCPI 2.2.1 Tariffs, one or a list. Raises InvalidInput, also where one is another's."""
    tariffs = []
    for record in LocationFile(path):
        try:
            tariff = TARIFF.read(_bytes(record)).value
        except InvalidInput as error:
            raise InvalidInput(f"{path.name}, tariff {record.index}: {error.message}", code="invalid_tariff") from error
        if not _is_of(party, tariff):
            raise InvalidInput(
                f"{path.name}: tariff {tariff.id} is of {tariff.country_code}*{tariff.party_id}, not of {party}.",
                code="foreign_tariff",
                next_step="Give a file with this party's own tariffs.",
            )
        tariffs.append(tariff)
    if not tariffs:
        raise InvalidInput(f"{path.name} has no tariff.", code="invalid_tariff")
    return tuple(tariffs)


def price_per_kwh(party: Party, price: Decimal, currency: str, vat_percent: Decimal | None, now: datetime) -> Tariff:
    """A tariff of one price per kWh before taxes. Raises InvalidInput where it is no price or no currency."""
    component = PriceComponent(dimension=Dimension.ENERGY, price=price, vat_percent=vat_percent)
    try:
        return Tariff(
            country_code=party.country_code,
            party_id=party.party_id,
            id=PER_KWH,
            currency=currency,
            elements=(TariffElement(components=(component,)),),
            last_updated=now,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidInput(
            f"The tariff is not usable: {'.'.join(map(str, first['loc']))}: {first['msg']}", code="invalid_tariff"
        ) from None


async def declare(platform: VisitedCso, sites: Iterable[Site], tariffs: Sequence[Tariff]) -> int:
    """Publish these sites with these tariffs at every connector; how many sites were new, changed or removed.

    The stations know their own state: one that was never heard of is available, others stay as they are.
    """
    context, now = platform.context, platform.context.clock.now()
    ids = tuple(tariff.id for tariff in tariffs)
    known = {site.id: site for site in _known(context)}
    with context.store.read() as connection:
        priced = load_tariffs(connection, context, ids, now)
    dated = [tariff.model_copy(update={"last_updated": now}) for tariff in tariffs]
    new_prices = [one for one in dated if all(_undated(one) != _undated(old) for old in priced)]
    wanted = {site.id: _declared(site, known.get(site.id), ids, now) for site in sites}
    gone = [_removed(site, now) for id, site in known.items() if id not in wanted]
    changed = [
        site
        for site in (*wanted.values(), *gone)
        if site.id not in known or _timeless(site) != _timeless(known[site.id])
    ]
    await platform.publish(changed, new_prices)
    return len(changed)


def _known(context: Context) -> list[Site]:
    columns = site_table.c
    query = select(columns.id).where(
        columns.country_code == context.party.country_code,
        columns.party_id == context.party.party_id,
        columns.source == SOURCE,
    )
    with context.store.read() as connection:
        ids = connection.execute(query).scalars().all()
        found = [load_site(connection, context, id) for id in ids]
    return [site for site in found if site is not None]


def _declared(site: Site, known: Site | None, tariff_ids: tuple[str, ...], now: datetime) -> Site:
    def of(one: EvSupplyEquipment) -> EvSupplyEquipment:
        before = known.find_equipment(one.uid) if known else None
        heard = before.status if before and before.status not in _NOT_THERE else Status.AVAILABLE
        return one.model_copy(
            update={
                "status": one.status if one.status in _NOT_THERE else heard,
                "capabilities": one.capabilities | {Capability.REMOTE_START_STOP_CAPABLE},
                "connectors": tuple(
                    connector.model_copy(update={"tariff_ids": tariff_ids, "last_updated": now})
                    for connector in one.connectors
                ),
                "last_updated": now,
            }
        )

    return site.model_copy(update={"equipment": tuple(map(of, site.equipment)), "last_updated": now})


def _removed(site: Site, now: datetime) -> Site:
    gone = {"status": Status.REMOVED, "last_updated": now}
    equipment = tuple(one.model_copy(update=gone) for one in site.equipment)
    return site.model_copy(update={"equipment": equipment, "last_updated": now})


def _timeless(site: Site) -> Site:
    """The site without the moments of its changes, to tell whether it changed at all."""
    at = {"last_updated": _NO_MOMENT}
    equipment = tuple(
        one.model_copy(update={**at, "connectors": tuple(each.model_copy(update=at) for each in one.connectors)})
        for one in site.equipment
    )
    return site.model_copy(update={**at, "equipment": equipment})


def _undated(tariff: Tariff) -> Tariff:
    return tariff.model_copy(update={"last_updated": _NO_MOMENT})


def _is_of(party: Party, owned: Site | Tariff) -> bool:
    return (owned.country_code.upper(), owned.party_id.upper()) == (party.country_code, party.party_id)


def _bytes(record: Record) -> bytes:
    # As bytes, so that a byte that is not UTF-8 is refused by the reader.
    return record.text.encode("utf-8", "surrogateescape")
