"""Plans of a driver's session as the home-CSP keeps them, and why there is none."""

from sqlalchemy import Connection, select

from core.endpoint.partner import Partner
from core.errors import Refused
from core.home_csp.context import Context
from core.home_csp.energy_transfer.record import keep
from core.model.plans import ChargePlan, PlanRefusal
from core.model.session import ServiceSession
from core.model.sites import EvSupplyEquipment
from core.store.plan_tables import plans_of, record_plan
from core.store.sessions import KeptSession, load
from core.store.tables import site as site_table

_WHY = {
    PlanRefusal.DEPARTURE_REQUIRED: ("The operator needs to know when you leave", "Set a departure."),
    PlanRefusal.ENERGY_NEED_REQUIRED: ("The operator needs to know how much you need", "Set the energy."),
    PlanRefusal.NOT_POSSIBLE: ("This cannot be done at this post", "Ask for less, or leave later."),
    PlanRefusal.PROFILE_TYPE_NOT_SUPPORTED: ("The operator does not offer this kind of plan", "Choose another kind."),
    PlanRefusal.REJECTED: ("The operator does not take a plan for this session", "Go on without a plan."),
    PlanRefusal.TOO_OFTEN: ("The operator was asked too often", "Wait a few minutes."),
}


async def keep_plan(context: Context, kept: KeptSession, partner: Partner, plan: ChargePlan) -> None:
    """Keep a version in a transaction of its own."""
    await context.store.write(lambda connection: keep_version(connection, context, kept, partner, plan))


def keep_version(
    connection: Connection, context: Context, kept: KeptSession, partner: Partner, plan: ChargePlan
) -> None:
    """Keep a version; what it takes the place of is over. Its driver hears of it."""
    record_plan(connection, plans_with(connection, kept.session, partner.id), plan, partner.id)
    session = load(connection, context.party, kept.session.id)
    if session is not None:
        keep(connection, context, session.session, session.partner_id)


def plans_with(connection: Connection, session: ServiceSession, partner_id: str) -> list[ChargePlan]:
    """All versions of all plans of a session, the newest last."""
    return plans_of(connection, session.visited, session.visited_session_id or "", partner_id)


def equipment_of(context: Context, session: ServiceSession) -> EvSupplyEquipment | None:
    """Where it charges, as its operator published it."""
    table = site_table.c
    query = select(table.body).where(
        table.country_code == session.visited.country_code,
        table.party_id == session.visited.party_id,
        table.id == session.site_id,
    )
    with context.store.read() as connection:
        body = connection.execute(query).scalar()
    return None if body is None else context.reader.site(body).find_equipment(session.evse_uid)


def refused(refusal: PlanRefusal) -> Refused:
    """Why there is no plan, for the driver."""
    message, next_step = _WHY[refusal]
    return Refused(message, code=f"plan_{refusal.lower()}", next_step=next_step)
