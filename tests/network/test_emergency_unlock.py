"""UC5-2 and UC5-3: a person releases a stuck cable; never while current flows, never another session's cable."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from core.driver_client import DriverClient
from core.driver_messages import DriverEvent, SessionView
from core.endpoint.agreement import Agreement
from core.endpoint.extensions import emergencyunlocks
from core.endpoint.partner import Partner
from core.errors import EvroamError, NotFound, Refused
from core.model.cable_unlock import EmergencyUnlock, UnlockCase, UnlockCode, UnlockState
from core.model.parties import ObjectKey
from core.model.session import SessionState, StopReason
from core.network import Member, Network
from core.simulation.faults import Faults
from core.store.cable_unlocks import list_unlocks, load_unlock
from core.store.sessions import load
from core.store.tables import message_log, partner
from core.visited_cso import cable_unlock
from tests.networks import advance, quote_at, sites_near, until

pytestmark = pytest.mark.anyio

CHECKED = {"agent": "Ada at the desk", "user_verified": True, "safety_confirmed": True}


class Stuck:
    """A driver at a post whose cable does not come out."""

    def __init__(self, network: Network, driver: DriverClient, member: Member, site: ObjectKey, evse_uid: str) -> None:
        self.network, self.driver, self.member, self.site, self.evse_uid = network, driver, member, site, evse_uid
        self.home = network.home
        self.events = driver.events(0)

    async def suffer(self, **faults: bool) -> None:
        await self.member.equipment.suffer(self.evse_uid, Faults(**faults))

    async def charging(self) -> SessionView:
        quote = await quote_at(self.driver, self.site, self.evse_uid, kwh=40)
        session = await self.driver.start(quote.id)
        await until(self.events, lambda event: _is(event, session.id, SessionState.AUTHORISED))
        await advance(self.network, minutes=4)
        await until(self.events, lambda event: _is(event, session.id, SessionState.ACTIVE))
        return session

    async def refused(self) -> SessionView:
        """A start that the station refuses: the activation failed."""
        await self.suffer(refuses_start=True)
        quote = await quote_at(self.driver, self.site, self.evse_uid)
        session = await self.driver.start(quote.id)
        await until(self.events, lambda event: _is(event, session.id, SessionState.REJECTED))
        return session

    async def ended(self, request_id: str) -> UnlockState:
        """Where a request ends, as the driver sees it."""
        event = await until(
            self.events,
            lambda event: (
                event.session
                and event.session.unlock
                and event.session.unlock.id == request_id
                and event.session.unlock.state not in {UnlockState.REQUESTED, UnlockState.RELEASED}
            ),
        )
        assert event.session is not None and event.session.unlock is not None
        return event.session.unlock.state

    async def released(self, session_id: str) -> tuple[UnlockState, UnlockCode | None]:
        """Ask, have it released, and what came of it."""
        asked = await self.driver.ask_unlock(session_id, "the plug does not come out")
        await self.home.unlocks.release(asked.id, **CHECKED)
        await self.ended(asked.id)
        with self.home.context.store.read() as connection:
            kept = load_unlock(connection, self.home.context.party, asked.id)
        assert kept is not None
        return kept.unlock.state, kept.unlock.code

    def partner(self) -> Partner:
        found = self.home.context.partners.speaking_for(self.member.platform.context.party)
        assert found is not None
        return found

    def incidents(self) -> list[EmergencyUnlock]:
        """What the visited-CSO has on record."""
        context = self.member.platform.context
        with context.store.read() as connection:
            return [one.unlock for one in list_unlocks(connection, context.party)]


def _is(event: DriverEvent, session_id: str, state: SessionState) -> bool:
    return event.session is not None and event.session.id == session_id and event.session.state is state


async def at_a(connector_format: str, network: Network, driver: DriverClient) -> Stuck:
    for site in await sites_near(driver, network, free=True, roaming=True):
        opened = await driver.site(site.key)
        for evse in opened.evses:
            if evse.startable and evse.connectors[0].format == connector_format:
                member = next(one for one in network.members if one.platform.context.party == site.key.party)
                return Stuck(network, driver, member, site.key, evse.uid)
    raise AssertionError("no such post")


@pytest.fixture
async def stuck(network: Network, driver: DriverClient) -> Stuck:
    return await at_a("SOCKET", network, driver)


async def test_a_stuck_cable_is_released_by_a_person_after_the_energy_has_stopped(stuck: Stuck) -> None:
    """UC5-2, its whole way: asked, checked, stopped, unlocked, recorded, billed."""
    await stuck.suffer(cable_stuck=True)
    session = await stuck.charging()
    with pytest.raises(Refused):
        await stuck.member.equipment.unplug(stuck.evse_uid)
    assert (await stuck.driver.session(session.id)).may_ask_unlock

    asked = await stuck.driver.ask_unlock(session.id, "the plug does not come out")
    assert asked.state is UnlockState.REQUESTED
    again = await stuck.driver.ask_unlock(session.id)
    assert again.id == asked.id  # one request waits, a second changes nothing
    assert stuck.incidents() == []  # a driver's word alone reaches no station

    with pytest.raises(Refused) as unchecked:
        await stuck.home.unlocks.release(asked.id, agent="Ada", user_verified=True, safety_confirmed=False)
    assert unchecked.value.code == "not_verified" and stuck.incidents() == []

    await stuck.home.unlocks.release(asked.id, **CHECKED)
    assert await stuck.ended(asked.id) is UnlockState.UNLOCKED
    [incident] = stuck.incidents()
    assert [step.state for step in incident.steps] == [UnlockState.RELEASED, UnlockState.UNLOCKED]
    assert incident.case is UnlockCase.ACTIVATED and incident.agent == "Ada at the desk"
    context = stuck.member.platform.context
    with context.store.read() as connection:
        kept = load(connection, context.party, incident.session_id or "")
    assert kept is not None and kept.session.stop_reason is StopReason.EMERGENCY_UNLOCK
    energy = kept.session.transactions[0].energy_transfers[-1]
    assert energy.end is not None and energy.end <= incident.steps[-1].at

    await stuck.member.equipment.unplug(stuck.evse_uid)
    await until(stuck.events, lambda event: event.receipt is not None)
    with pytest.raises(Refused) as over:
        await stuck.home.unlocks.release(asked.id, **CHECKED)
    assert over.value.code == "unlock_over"


async def test_after_a_failed_activation_the_attempt_is_the_proof_for_a_quarter_of_an_hour(stuck: Stuck) -> None:
    """UC5-3."""
    attempt = await stuck.refused()
    assert await stuck.released(attempt.id) == (UnlockState.UNLOCKED, None)
    [incident] = stuck.incidents()
    assert incident.case is UnlockCase.ACTIVATION_FAILED and incident.reference == attempt.id

    # Too old for both sides: the home-CSP does not take it, the visited-CSO does not execute it.
    await advance(stuck.network, minutes=16)
    with pytest.raises(Refused) as late:
        await stuck.driver.ask_unlock(attempt.id)
    assert late.value.code == "unlock_not_here"
    replayed = incident.model_copy(update={"id": "later", "session_id": None, "contract_id": None})
    reply = await emergencyunlocks.send_request(stuck.home.context.calls, stuck.partner(), replayed)
    assert (reply.accepted, reply.code) == (False, UnlockCode.TOO_OLD)


async def test_a_cable_that_another_session_holds_stays_locked(stuck: Stuck) -> None:
    attempt = await stuck.refused()
    await stuck.suffer()
    await stuck.charging()
    assert await stuck.released(attempt.id) == (UnlockState.REFUSED, UnlockCode.IN_USE_BY_ANOTHER)
    assert stuck.member.equipment.car_at(stuck.evse_uid) is not None


async def test_a_cable_fixed_to_the_post_has_its_lock_in_the_car(network: Network, driver: DriverClient) -> None:
    stuck = await at_a("CABLE", network, driver)
    session = await stuck.charging()
    assert await stuck.released(session.id) == (UnlockState.REFUSED, UnlockCode.NO_LOCK)


async def test_a_station_that_is_silent_or_broken_is_told_as_such(stuck: Stuck) -> None:
    session = await stuck.charging()
    await stuck.suffer(lock_broken=True)
    assert await stuck.released(session.id) == (UnlockState.FAILED, UnlockCode.LOCK_BROKEN)
    await advance(stuck.network, minutes=1)
    await stuck.suffer(offline=True)
    assert await stuck.released(session.id) == (UnlockState.FAILED, UnlockCode.STATION_SILENT)


async def test_nothing_is_unlocked_while_current_flows(stuck: Stuck) -> None:
    """A contactor that is welded: the station says it has stopped, its meter says that the current goes on."""
    session = await stuck.charging()
    await stuck.suffer(contactor_welded=True)
    stuck.member.platform.unlocks.current_gone_within = timedelta(milliseconds=1)
    assert await stuck.released(session.id) == (UnlockState.UNSAFE, UnlockCode.CURRENT_FLOWS)
    with pytest.raises(Refused):
        await stuck.member.equipment.unplug(stuck.evse_uid)


async def test_what_the_wire_refuses_and_repeats(stuck: Stuck, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await stuck.charging()
    context, calls = stuck.home.context, stuck.home.context.calls
    with context.store.read() as connection:
        known = load(connection, context.party, session.id)
    assert known is not None
    good = EmergencyUnlock(
        id="once",
        case=UnlockCase.ACTIVATED,
        site=stuck.site,
        evse_uid=stuck.evse_uid,
        connector_id=known.session.connector_id,
        reference=session.id,
        visited_session_id=known.session.visited_session_id,
        requested_at=session.at,
        agent="Ada",
        user_verified=True,
        safety_confirmed=True,
    )

    async def code(**changed: object) -> UnlockCode | None:
        sent = good.model_copy(update={"id": f"{sorted(changed)}"[:36], **changed})
        return (await emergencyunlocks.send_request(calls, stuck.partner(), sent)).code

    assert await code(user_verified=False) is UnlockCode.NOT_VERIFIED
    assert await code(safety_confirmed=False) is UnlockCode.NOT_VERIFIED
    assert await code(visited_session_id="somebody-elses") is UnlockCode.NOT_PARTY
    assert await code(connector_id="9") is UnlockCode.UNKNOWN_CONNECTOR
    assert await code(site=stuck.site.model_copy(update={"id": "nowhere"})) is UnlockCode.UNKNOWN_CONNECTOR
    foreign = stuck.site.model_copy(update={"country_code": "FR", "party_id": "XXX"})
    assert await code(site=foreign) is UnlockCode.UNKNOWN_CONNECTOR
    no_attempt = {"case": UnlockCase.ACTIVATION_FAILED, "visited_session_id": None, "reference": "never-tried"}
    assert await code(**no_attempt) is UnlockCode.NO_MATCHING_ATTEMPT

    first = await emergencyunlocks.send_request(calls, stuck.partner(), good)
    second = await emergencyunlocks.send_request(calls, stuck.partner(), good)
    assert first.accepted and second.accepted
    assert len([one for one in stuck.incidents() if one.id == "once"]) == 1
    monkeypatch.setattr(cable_unlock, "MOST_A_DAY", 1)
    assert await code(reference="again") is UnlockCode.TOO_OFTEN  # the operator counts for itself
    with pytest.raises(NotFound):
        await emergencyunlocks.ask_outcome(calls, stuck.partner(), "never-sent")
    visited = stuck.member.platform.endpoint
    theirs = visited.partners.speaking_for(context.party)
    assert theirs is not None
    outcome = emergencyunlocks.Outcome(UnlockState.UNLOCKED)
    with pytest.raises(NotFound):
        await emergencyunlocks.send_outcome(visited.calls, theirs, "never-asked", outcome)


async def test_without_an_agreement_nothing_is_sent_and_never_a_bare_unlock(stuck: Stuck) -> None:
    session = await stuck.charging()
    context, plain = stuck.home.context, Agreement().model_dump_json()
    of = partner.c.id == stuck.partner().id
    await context.partners.change(
        lambda connection: connection.execute(update(partner).where(of).values(agreement=plain))
    )
    asked = await stuck.driver.ask_unlock(session.id)
    with pytest.raises(Refused) as refused:
        await stuck.home.unlocks.release(asked.id, **CHECKED)
    assert refused.value.code == "not_agreed" and "Call the operator" in refused.value.next_step
    assert stuck.incidents() == []
    await stuck.home.endpoint.log.flush()
    with context.store.read() as connection:
        paths = connection.execute(select(message_log.c.path)).scalars().all()
    assert not any("UNLOCK" in path or "unlock" in path for path in paths)

    await stuck.home.unlocks.refuse(asked.id, agent="Ada", note="called the operator")
    view = await stuck.driver.session(session.id)
    assert view.unlock is not None and (view.unlock.state, view.unlock.code) == (UnlockState.REFUSED, UnlockCode.DESK)


async def test_who_asks_too_often_or_for_another_is_refused(stuck: Stuck) -> None:
    session = await stuck.charging()
    for _ in range(3):
        asked = await stuck.driver.ask_unlock(session.id)
        await stuck.home.unlocks.refuse(asked.id, agent="Ada", note="")
    with pytest.raises(Refused) as often:
        await stuck.driver.ask_unlock(session.id)
    assert often.value.code == "unlock_too_often"
    with pytest.raises(EvroamError):
        await stuck.driver.ask_unlock("somebody-elses")
