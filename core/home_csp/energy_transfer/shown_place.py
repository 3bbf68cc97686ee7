"""Where a session takes place, as its driver is told: by its quote, else by what its operator published."""

from dataclasses import dataclass

from sqlalchemy import Connection

from core.home_csp.context import Context
from core.home_csp.energy_transfer.local_sessions import place_of
from core.home_csp.quoting import KeptQuote
from core.model.session import ServiceSession


@dataclass(frozen=True)
class ShownPlace:
    """Names for people. label: what stands on the post."""

    site_name: str
    address: str
    operator: str
    label: str


def shown_place(
    connection: Connection, context: Context, session: ServiceSession, quote: KeptQuote | None
) -> ShownPlace:
    """The place; of one that nobody published only the ids are known."""
    if quote is not None:
        view = quote.view
        return ShownPlace(view.site_name, view.address, view.operator, view.label)
    found = place_of(connection, context, session)
    if found is None:
        return ShownPlace(session.site_id, "", str(session.visited), "")
    name, label = found.site.name or found.site.address, found.equipment.physical_reference or ""
    return ShownPlace(name, found.site.address, found.operator, label)
