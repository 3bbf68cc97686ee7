"""A site and a connector opened for a driver: with its statuses, its tariff, and what the agreement allows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from core.catalogue.filters import Filters
from core.catalogue.writing import connector_power_w
from core.driver_messages import ConnectorView, Need, Problem
from core.errors import NotFound
from core.home_csp.agreed import Agreed
from core.home_csp.context import Context
from core.home_csp.expectation import Expectation, expected
from core.home_csp.labels import en_17186_label
from core.home_csp.private_sites import may_see
from core.home_csp.tariffs import tariffs_for
from core.model.agreements import PricingOptions
from core.model.parties import ObjectKey, Party
from core.model.sites import Connector, EvSupplyEquipment, PowerType, Site
from core.model.tariff_description import describe
from core.model.tariffs import Tariff
from core.store.tables import evse
from core.store.tables import site as table


@dataclass(frozen=True)
class OpenedSite:
    """A site with its agreement and its statuses: by EVSE uid, the word and when it was told."""

    site: Site
    agreed: Agreed
    partner_id: str | None
    operator: str
    statuses: dict[str, tuple[str, datetime]]


@dataclass(frozen=True)
class OpenedConnector:
    """A connector with all that a price needs.

    tariffs: the one that holds, empty where none is known. options: how the agreement with the operator prices.
    refusal: why nothing can be begun with the operator; None where it can.
    """

    site: Site
    equipment: EvSupplyEquipment
    connector: Connector
    view: ConnectorView
    tariffs: tuple[Tariff, ...]
    partner_id: str | None
    options: PricingOptions
    refusal: Problem | None
    operator: str
    status: str
    status_at: datetime

    @property
    def max_kw(self) -> Decimal:
        """The connector's power in kW."""
        return Decimal(connector_power_w(self.connector)) / 1000

    def expected(self, need: Need, *, tapering: bool = True) -> Expectation:
        """The session to expect here."""
        direct_current = self.connector.power_type is PowerType.DC
        likely = expected(need, self.max_kw, direct_current=direct_current, tapering=tapering)
        return likely.model_copy(update={"volts": self.connector.charging_volts})


def open_connector(
    connection: Connection,
    context: Context,
    key: ObjectKey,
    evse_uid: str,
    connector_id: str,
    contract_id: str | None,
) -> OpenedConnector:
    """One connector. Raises NotFound, also for a private site of others."""
    opened = opened_site(connection, context, key, contract_id)
    equipment = opened.site.find_equipment(evse_uid)
    connector = next((one for one in equipment.connectors if one.id == connector_id), None) if equipment else None
    if equipment is None or connector is None:
        raise NotFound("There is no such connector at this site", next_step="Open the site again.")
    return connector_of(connection, context, opened, equipment, connector)


def opened_site(connection: Connection, context: Context, key: ObjectKey, contract_id: str | None) -> OpenedSite:
    """A site that may be shown. Raises NotFound, for private sites of others as for unknown ones."""
    opened = read_site(connection, context, key, Agreed(context))
    if not may_see(connection, context, opened.site, contract_id) or not opened.agreed.shows(opened.partner_id, key):
        raise _no_such_site()
    return opened


def read_site(connection: Connection, context: Context, key: ObjectKey, agreed: Agreed) -> OpenedSite:
    """A site as it is kept, whoever may see it. Raises NotFound."""
    row = connection.execute(
        select(table.c.body, table.c.partner_id, table.c.operator).where(
            table.c.country_code == key.country_code, table.c.party_id == key.party_id, table.c.id == key.id
        )
    ).first()
    if row is None:
        raise _no_such_site()
    rows = connection.execute(
        select(evse.c.uid, evse.c.status, evse.c.status_at).where(
            evse.c.country_code == key.country_code, evse.c.party_id == key.party_id, evse.c.site_id == key.id
        )
    )
    statuses = {one.uid: (one.status, one.status_at) for one in rows}
    return OpenedSite(context.reader.site(row.body), agreed, row.partner_id, row.operator, statuses)


def connector_of(
    connection: Connection, context: Context, opened: OpenedSite, equipment: EvSupplyEquipment, connector: Connector
) -> OpenedConnector:
    """A connector of a site that has been opened."""
    site, now = opened.site, context.clock.now()
    party = Party(country_code=site.country_code, party_id=site.party_id)
    tariffs = tariffs_for(connection, context, party, connector.tariff_ids, now)
    status, at = opened.statuses.get(equipment.uid, (equipment.status, equipment.last_updated))
    return OpenedConnector(
        site=site,
        equipment=equipment,
        connector=connector,
        view=connector_view(context, connector, tariffs),
        tariffs=tariffs,
        partner_id=opened.partner_id,
        options=opened.agreed.options(opened.partner_id),
        refusal=opened.agreed.problem(opened.partner_id),
        operator=opened.operator,
        status=Filters(moment=now).status_now(status, at),
        status_at=at,
    )


def connector_view(context: Context, connector: Connector, tariffs: tuple[Tariff, ...]) -> ConnectorView:
    """A connector as the driver looks for it, priced by the first of the tariffs."""
    tariff = tariffs[0] if tariffs else None
    return ConnectorView(
        id=connector.id,
        standard=connector.standard,
        format=connector.format,
        power_type=connector.power_type,
        max_kw=Decimal(connector_power_w(connector)) / 1000,
        label=en_17186_label(connector),
        currency=tariff.currency if tariff else "",
        operator_rows=describe(tariff) if tariff else (),
        fees=context.price_list(tariff.currency).fees if tariff else (),
        tariff_known=tariff is not None,
    )


def _no_such_site() -> NotFound:
    return NotFound("There is no such site", code="unknown_site", next_step="Search again.")
