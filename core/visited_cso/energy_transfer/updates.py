"""How often home-CSPs are told of their sessions, and what they may ask in between (UC3-6)."""

from datetime import timedelta
from math import ceil

from sqlalchemy import Connection, select

from core.endpoint.partner import Partner
from core.endpoint.rejection import Rejection
from core.errors import NotFound, Refused
from core.model.session import change
from core.model.session_updates import UpdateSubscription, granted
from core.store.sessions import load
from core.store.tables import service_session as table
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.rate import RateLimit


class SessionUpdates:
    """Implements the endpoint's UpdateSource. A session of somebody else is an unknown one."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._asked: dict[timedelta, RateLimit] = {}

    async def subscribe(self, partner: Partner, session_id: str, interval: timedelta) -> timedelta:
        """Tell of readings at this interval from now on, or at the shortest that the agreement allows; which it is.

        Raises NotFound, Refused for a session that is over.
        """
        context = self._context
        subscription = UpdateSubscription(interval=granted(interval, partner.agreement.update_interval))

        def write(connection: Connection) -> None:
            kept = load(connection, context.party, session_id)
            if kept is None or kept.partner_id != partner.id:
                raise _unknown()
            if not kept.session.is_open:
                raise Refused("The session is over.", code="session_over")
            session = change(kept.session, updates=subscription)
            keep(connection, context, session, partner.id, tell=False)

        await context.store.write(write)
        return subscription.interval

    def current(self, partner: Partner, session_id: str) -> str:
        """The session's text as it stands, once within the shortest interval of the agreement.

        Raises NotFound, Rejection (429).
        """
        query = select(table.c.partner_body).where(table.c.partner_id == partner.id, table.c.id == session_id)
        with self._context.store.read() as connection:
            text: str | None = connection.execute(query).scalar()
        if text is None:
            raise _unknown()
        shortest = partner.agreement.update_interval
        limit = self._asked.setdefault(shortest, RateLimit(1, shortest))
        wait = limit.wait(session_id, self._context.clock.now())
        if wait is not None:
            raise Rejection(
                f"A session may be asked for every {shortest.total_seconds():.0f} seconds.",
                429,
                headers={"Retry-After": str(ceil(wait.total_seconds()))},
            )
        return text


def _unknown() -> NotFound:
    return NotFound("There is no such session.", code="unknown_session")
