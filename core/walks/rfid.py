"""Annex A, scenario 3: peer-to-peer roaming by RFID card.

The order is that of the annex as we read it [J]: cards are pre-distributed, one is unknown, one revoked, one decided
by the list while the home-CSP does not answer, and the driver's own is asked about, starts and stops.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.driver_messages import SessionView
from core.model.credentials import IdentificationMethod
from core.model.session import SessionState, StopReason
from core.simulation.display import Shown
from core.visited_cso.equipment import EvseState
from core.walks.billing import BILLING
from core.walks.cards import ASKED, BETWEEN_TAPS, CARDS, OFFLINE_CARD, own_card, shown_word, tap
from core.walks.charging import ACTIVE, PROGRESS, SESSIONS, states
from core.walks.completion import completed
from core.walks.ground import Both, Ground
from core.walks.preparation import AUTHENTICATED, SITES_KNOWN, TARIFFS_KNOWN
from core.walks.qr import IDENTIFIED
from core.walks.scenario import Actor, Finding, Scenario, Step

# -- UC3-1 with UC4-1: the driver's card starts


@dataclass(frozen=True)
class Began:
    """What the post showed and what each side has of the session; view: as the driver sees it."""

    shown: Shown
    view: SessionView | None
    both: Both | None


async def _tap_own(ground: Ground) -> Began:
    """On the minute, at which stations report: what is read minute by minute later on is then what was reported."""
    now = ground.clock.moment
    ground.clock.moment = now.replace(second=0, microsecond=0) + timedelta(minutes=1) - BETWEEN_TAPS
    shown = await tap(ground, ground.post, own_card(ground).uid)

    async def look() -> SessionView | None:
        running = (one for one in await ground.client.sessions() if one.state is SessionState.AUTHORISED)
        return next(running, None)

    view = await ground.until(look, lambda seen: seen is not None)
    if view is None:
        return Began(shown, None, None)
    ground.session_id = view.id
    return Began(shown, view, await ground.both())


def _check_began(seen: Began) -> Sequence[Finding]:
    home, there = (seen.both.home, seen.both.operator) if seen.both else (None, None)
    reference = home.authorization_reference if home else None
    return [
        shown_word(seen.shown, "started", accepted=True),
        Finding(
            expected=f"{IdentificationMethod.AUTH_REQUEST}: the home-CSP was asked",
            actual=there.identification if there else "no session",
            holds=there is not None and there.identification == IdentificationMethod.AUTH_REQUEST,
        ),
        Finding(
            expected="one authorization reference at both platforms, the one of the grant",
            actual=f"{reference} at the home-CSP, {there.authorization_reference if there else 'none'} at the "
            "visited-CSO",
            holds=reference is not None and there is not None and reference == there.authorization_reference,
        ),
        Finding(
            expected="the driver's app shows the session, begun by card",
            actual=f"begun by {seen.view.rungs[0].name}" if seen.view and seen.view.rungs else "not shown",
            holds=bool(seen.view and seen.view.rungs and seen.view.rungs[0].name == "card"),
        ),
    ]


# -- UC3-1: the same card stops


@dataclass(frozen=True)
class StoppedByCard:
    """What the post showed to another card and to the one that began; station: what it says then."""

    other: Shown
    same: Shown
    station: EvseState
    both: Both


async def _tap_to_stop(ground: Ground) -> StoppedByCard:
    other = await tap(ground, ground.post, OFFLINE_CARD.uid)
    same = await tap(ground, ground.post, own_card(ground).uid)

    async def look() -> EvseState:
        return ground.equipment.evse_state(ground.post.evse_uid)

    station = await ground.until(look, lambda seen: seen is EvseState.FINISHING)
    return StoppedByCard(other, same, station, await ground.both())


def _check_stopped(seen: StoppedByCard) -> Sequence[Finding]:
    return [
        shown_word(seen.other, "other_credential", accepted=False),
        shown_word(seen.same, "stopped", accepted=True),
        Finding(
            expected="the station has ended the transfer and still sees the cable",
            actual=f"the station is {seen.station}",
            holds=seen.station is EvseState.FINISHING,
        ),
        states(seen.both, SessionState.ACTIVE, SessionState.ACTIVE),
    ]


RFID: Scenario[Ground] = Scenario(
    name="rfid",
    clause="A.3",
    title="Peer-to-peer roaming by RFID card",
    steps=(
        AUTHENTICATED,
        SITES_KNOWN,
        TARIFFS_KNOWN,
        *CARDS,
        IDENTIFIED,
        Step(
            name="tap",
            use_case="UC3-1",
            what="The driver's card is asked about and starts",
            sender=Actor.VISITED_CSO,
            receiver=Actor.HOME_CSP,
            expected="granted online (UC4-1), started at the post, shown to the driver",
            perform=_tap_own,
            check=_check_began,
            wire=ASKED | SESSIONS,
            at_post=True,
        ),
        ACTIVE,
        PROGRESS,
        Step(
            name="stop",
            use_case="UC3-1",
            what="The same card stops, another cannot",
            sender=Actor.DRIVER,
            receiver=Actor.VISITED_CSO,
            expected="energy transfer ends; the service session stays open while the cable is plugged in",
            perform=_tap_to_stop,
            check=_check_stopped,
            wire=ASKED | SESSIONS,
            at_post=True,
        ),
        completed(StopReason.LOCAL),
        *BILLING,
    ),
)
