"""The connector of a session that began before anybody knew into which the driver would plug (UC3-1)."""

from sqlalchemy import Connection

from core.model.session import ServiceSession, change
from core.visited_cso.context import Context
from core.visited_cso.sites import load_site
from core.visited_cso.tariffs import contract_tariff


def at_connector(connection: Connection, context: Context, session: ServiceSession, id: str) -> ServiceSession:
    """The session at the connector that the station reports, with that connector's tariff: nothing is measured yet."""
    if id == session.connector_id or session.meter_start is not None:
        return session
    site = load_site(connection, context, session.site_id)
    equipment = site and site.find_equipment(session.evse_uid)
    connector = next((one for one in equipment.connectors if one.id == id), None) if equipment else None
    if connector is None:
        return session
    tariffs = contract_tariff(connection, context, connector.tariff_ids, context.clock.now())
    currency = tariffs[0].currency if tariffs else session.currency
    return change(session, connector_id=id, tariffs=tariffs, currency=currency)
