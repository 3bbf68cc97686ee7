"""Sessions as home-CSPs ask for them (the pull side of UC3-6)."""

from sqlalchemy import bindparam, select

from core.endpoint.exchange import Page, PageRequest
from core.endpoint.listing import Listing
from core.endpoint.partner import Partner
from core.store.tables import service_session as table
from core.visited_cso.context import Context


class SessionSource:
    """Lists the sessions of one home-CSP's drivers; nobody sees another's."""

    def __init__(self, context: Context) -> None:
        self._context = context
        query = select(table.c.partner_body).where(table.c.partner_id == bindparam("partner"))
        self._listing = Listing(query, table.c.last_updated, (table.c.id,))

    async def page(self, partner: Partner, request: PageRequest) -> Page:
        """Sessions in order of last_updated."""
        with self._context.store.read() as connection:
            return self._listing.page(connection, request, partner=partner.id)

    async def one(self, partner: Partner, id: str) -> str | None:
        """One session of this partner."""
        query = select(table.c.partner_body).where(table.c.partner_id == partner.id, table.c.id == id)
        with self._context.store.read() as connection:
            return connection.execute(query).scalar()
