"""Charging profiles of plain OCPI at the visited-CSO: set, cleared, asked for (UC3-7), and told when the site changes.

One limit holds at a time: a profile takes the place of a charge plan, and a plan that of a profile, as both come from
the same home-CSP.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal

import structlog
from sqlalchemy import Connection

from core.clock import WallClock
from core.endpoint.partner import Partner
from core.endpoint.profile_calls import KIND, post_profile_result, put_active_profile
from core.endpoint.profiles import ProfileAnswer, ProfileReply, ProfileResult
from core.errors import EvroamError
from core.model.charging_profiles import (
    ActiveChargingProfile,
    Ceiling,
    ChargingProfile,
    SetProfile,
    active_profile,
    ceiling_at,
    ceilings,
)
from core.model.connector_power import capacity, watts_per_ampere
from core.model.plans import PlanState
from core.model.session import ServiceSession, SessionState, change
from core.model.sites import Capability, Connector, EvSupplyEquipment
from core.store.plan_tables import plans_of, record_plan
from core.store.sessions import KeptSession, load
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.record import keep, key_of
from core.visited_cso.equipment import EquipmentEvent, MeterValue, PowerLimit
from core.visited_cso.rate import RateLimit
from core.visited_cso.sites import load_site

log = structlog.get_logger(__name__)

MOST_IN_FIVE_MINUTES = 20
"""Requests for one session, on the wall clock [J]."""
STATION_WITHIN_S = 30
TOLD_FOR_S = 3600
"""How much of an active charging profile is pushed: OCPI advises 5 to 60 minutes."""

_wall = WallClock()

Work = Callable[[Partner, KeptSession], Awaitable[tuple[ProfileResult, ActiveChargingProfile | None]]]


class ChargingProfiles:
    """Implements the endpoint's ProfileReceiver."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._limit = RateLimit(MOST_IN_FIVE_MINUTES, timedelta(minutes=5))

    async def set_profile(
        self, partner: Partner, session_id: str, profile: ChargingProfile, response_url: str
    ) -> ProfileReply:
        """Hold the station to a profile, in place of any before and of a charge plan."""

        async def work(partner: Partner, kept: KeptSession) -> tuple[ProfileResult, None]:
            session = kept.session
            given = ceilings(
                profile,
                charging_since=session.started_at or session.opened_at,
                ampere_w=self._ampere_w(session),
                most_w=capacity(self._connector(session)),
            )
            await self._hold_to(session.id, given)
            await self._keep(session.id, partner, given)
            return ProfileResult.ACCEPTED, None

        return self._begin(partner, session_id, response_url, work)

    async def clear_profile(self, partner: Partner, session_id: str, response_url: str) -> ProfileReply:
        """Lift the profile that was set; without one the outcome is UNKNOWN."""

        async def work(partner: Partner, kept: KeptSession) -> tuple[ProfileResult, None]:
            if kept.session.profile is None or not kept.session.profile.ceilings:
                return ProfileResult.UNKNOWN, None
            await self._hold_to(kept.session.id, ())
            await self._keep(kept.session.id, partner, ())
            return ProfileResult.ACCEPTED, None

        return self._begin(partner, session_id, response_url, work)

    async def active_profile(
        self, partner: Partner, session_id: str, duration_s: int, response_url: str
    ) -> ProfileReply:
        """What the station plans for so long, with all limits in it."""

        async def work(partner: Partner, kept: KeptSession) -> tuple[ProfileResult, ActiveChargingProfile]:
            return ProfileResult.ACCEPTED, self._active(kept, duration_s)

        return self._begin(partner, session_id, response_url, work)

    async def push(self, partner: Partner, session_id: str) -> None:
        """Tell the home-CSP what the station plans now. Raises as the calls do."""
        kept = self._kept(session_id)
        if kept is not None and kept.session.is_open and kept.session.profile is not None:
            active = self._active(kept, TOLD_FOR_S)
            await put_active_profile(self._context.calls, partner, session_id, active)

    async def heard(self, event: EquipmentEvent) -> None:
        """With every reading: can the site still give what was last told?"""
        if not isinstance(event, MeterValue):
            return
        kept = self._kept(event.transaction_id)
        if kept is None or kept.session.profile is None or kept.partner_id is None:
            return
        profile, site_w = kept.session.profile, self._site_w(kept.session.id)
        most = ceiling_at(self._ceilings(kept), event.moment)
        before, now = (one if most is None else min(one, most) for one in (profile.site_w, site_w))
        if before != now:
            await self._store(kept.session.id, kept.partner_id, profile.model_copy(update={"site_w": site_w}))

    def _begin(self, partner: Partner, session_id: str, response_url: str, work: Work) -> ProfileReply:
        kept = self._kept(session_id)
        answer = self._answer(partner, kept)
        if answer is ProfileAnswer.ACCEPTED and kept is not None:
            self._context.tasks.begin(self._perform(partner, kept, response_url, work))
        return ProfileReply(answer, STATION_WITHIN_S)

    def _answer(self, partner: Partner, kept: KeptSession | None) -> ProfileAnswer:
        if kept is None:
            return ProfileAnswer.UNKNOWN_SESSION
        if kept.partner_id != partner.id or kept.session.state is not SessionState.ACTIVE:
            return ProfileAnswer.REJECTED
        if not self._capable(kept.session):
            return ProfileAnswer.NOT_SUPPORTED
        if not self._limit.take(kept.session.id, _wall.now()):
            return ProfileAnswer.TOO_OFTEN
        return ProfileAnswer.ACCEPTED

    async def _perform(self, partner: Partner, kept: KeptSession, response_url: str, work: Work) -> None:
        active: ActiveChargingProfile | None = None
        try:
            result, active = await work(partner, kept)
        except EvroamError as error:
            log.info("profile_refused", session=kept.session.id, code=error.code)
            result = ProfileResult.REJECTED
        try:
            await post_profile_result(self._context.calls, partner, response_url, result, active)
        except EvroamError as error:  # OCPI asks for no repetition: who asked knows when the outcome is overdue
            log.warning("profile_result_not_told", session=kept.session.id, code=error.code)

    async def _hold_to(self, session_id: str, given: Sequence[Ceiling]) -> None:
        limits = tuple(PowerLimit(one.start, one.watts) for one in given)
        await self._context.equipment.limit_power(session_id, limits)

    async def _keep(self, session_id: str, partner: Partner, given: tuple[Ceiling, ...]) -> None:
        await self._store(session_id, partner.id, SetProfile(ceilings=given, site_w=self._site_w(session_id)))

    async def _store(self, session_id: str, partner_id: str, profile: SetProfile) -> None:
        context = self._context

        def write(connection: Connection) -> None:
            plans = plans_of(connection, context.party, session_id, partner_id)
            for one in plans:
                if profile.ceilings and one.state is PlanState.ACTIVE:
                    record_plan(connection, plans, one.model_copy(update={"state": PlanState.REPLACED}), partner_id)
            with_profile(connection, context, session_id, profile)

        await context.store.write(write)

    def _active(self, kept: KeptSession, duration_s: int) -> ActiveChargingProfile:
        now = self._context.clock.now().replace(microsecond=0)
        return active_profile(self._ceilings(kept), now, duration_s, most_w=self._site_w(kept.session.id))

    def _ceilings(self, kept: KeptSession) -> tuple[Ceiling, ...]:
        with self._context.store.read() as connection:
            return in_force(connection, self._context, kept)

    def _site_w(self, session_id: str) -> int:
        return self._context.equipment.power_bounds(session_id).site_w

    def _kept(self, session_id: str) -> KeptSession | None:
        with self._context.store.read() as connection:
            return load(connection, self._context.party, session_id)

    def _capable(self, session: ServiceSession) -> bool:
        equipment = self._equipment(session)
        return equipment is not None and equipment.can(Capability.CHARGING_PROFILE_CAPABLE)

    def _connector(self, session: ServiceSession) -> Connector:
        equipment = self._equipment(session)
        assert equipment is not None  # it is capable, so it is there
        named = (one for one in equipment.connectors if one.id == session.connector_id)
        return next(named, equipment.connectors[0])

    def _equipment(self, session: ServiceSession) -> EvSupplyEquipment | None:
        with self._context.store.read() as connection:
            site = load_site(connection, self._context, session.site_id)
        return None if site is None else site.find_equipment(session.evse_uid)

    def _ampere_w(self, session: ServiceSession) -> Decimal:
        """Watts of an ampere in each phase that carries current; before any flows, in each of the connector's."""
        reading = self._context.equipment.reading(session.id)
        if not reading.current_a:
            return Decimal(watts_per_ampere(self._connector(session)))
        return reading.voltage_v * reading.phases


def in_force(connection: Connection, context: Context, kept: KeptSession) -> tuple[Ceiling, ...]:
    """What a session is held to: its profile, else the charge plan that is in force, else nothing."""
    if kept.session.profile is not None and kept.session.profile.ceilings:
        return kept.session.profile.ceilings
    plans = plans_of(connection, context.party, kept.session.id, kept.partner_id or "")
    held = next((one for one in reversed(plans) if one.state is PlanState.ACTIVE), None)
    return () if held is None else tuple(Ceiling(start=one.start, watts=one.max_power_w) for one in held.slots)


def with_profile(connection: Connection, context: Context, session_id: str, profile: SetProfile | None) -> None:
    """Keep what holds as a profile now, None for nothing, and mark what the station plans for the home-CSP.

    OCPI tells it to nobody who has never set one; a session without any is left as it is.
    """
    kept = load(connection, context.party, session_id)
    if kept is None or kept.partner_id is None or (profile is None and kept.session.profile is None):
        return
    if profile is None:
        assert kept.session.profile is not None  # seen just now
        profile = kept.session.profile.model_copy(update={"ceilings": ()})
    session = change(kept.session, profile=profile)
    keep(connection, context, session, kept.partner_id, tell=False)
    context.outbox.mark(connection, [kept.partner_id], KIND, key_of(context, session))
