"""Charge plans at rest (UC3-7, UC3-10): every version, the same at the home-CSP and the visited-CSO."""

from collections.abc import Sequence

from sqlalchemy import Column, Connection, Index, Integer, String, Table, Text, bindparam, select

from core.model.parties import Party
from core.model.plans import ChargePlan, recorded
from core.store.columns import Moment
from core.store.prepared import Prepared
from core.store.tables import metadata
from core.store.upsert import upsert

charge_plan = Table(
    "charge_plan",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("session_id", String(36), nullable=False),
    Column("partner_id", String(36), nullable=False),
    Column("state", String(16), nullable=False),
    Column("last_updated", Moment, nullable=False),
    Column("body", Text, nullable=False),
)
Index("charge_plan_session", charge_plan.c.session_id, charge_plan.c.last_updated)


def record_plan(connection: Connection, held: Sequence[ChargePlan], plan: ChargePlan, partner_id: str) -> ChargePlan:
    """Put a version on record beside those held of its session; as it stands there."""
    changed = recorded(held, plan)
    for one in changed:
        _save(connection, one, partner_id)
    return changed[-1]


def newest_version(connection: Connection, id: str, partner_id: str) -> ChargePlan | None:
    """The newest version of one plan, of whichever session with this partner."""
    query = (
        select(charge_plan.c.body)
        .where(charge_plan.c.id == id, charge_plan.c.partner_id == partner_id)
        .order_by(charge_plan.c.version.desc())
        .limit(1)
    )
    body = connection.execute(query).scalar()
    return None if body is None else ChargePlan.model_validate_json(body)


# Asked with every look at a session.
_OF_SESSION = Prepared(
    select(charge_plan.c.body)
    .where(
        charge_plan.c.country_code == bindparam("country_code"),
        charge_plan.c.party_id == bindparam("party_id"),
        charge_plan.c.session_id == bindparam("session_id"),
        charge_plan.c.partner_id == bindparam("partner_id"),
    )
    .order_by(charge_plan.c.last_updated, charge_plan.c.version)
)


def plans_of(connection: Connection, visited: Party, session_id: str, partner_id: str) -> list[ChargePlan]:
    """The versions of all plans of a session, by the id that its visited-CSO gave it; the newest last."""
    asked = {
        "country_code": visited.country_code,
        "party_id": visited.party_id,
        "session_id": session_id,
        "partner_id": partner_id,
    }
    return [ChargePlan.model_validate_json(body) for body in _OF_SESSION.column(connection, asked)]


def _save(connection: Connection, plan: ChargePlan, partner_id: str) -> None:
    values = {
        "country_code": plan.country_code,
        "party_id": plan.party_id,
        "id": plan.id,
        "version": plan.version,
        "session_id": plan.session_id,
        "partner_id": partner_id,
        "state": plan.state,
        "last_updated": plan.last_updated,
        "body": plan.model_dump_json(),
    }
    upsert(connection, charge_plan, values)
