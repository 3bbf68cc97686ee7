"""The start ladder: how far a start has come, rung by rung, and for whom it waits."""

from datetime import datetime, timedelta

from core.driver_messages import Rung, RungState
from core.model.credentials import IdentificationMethod
from core.model.session import ENDED, ServiceSession, SessionState

PLUG_IN_WITHIN = timedelta(seconds=60)
"""How long stations usually wait for the cable; the operator's own time is not told over the wire [J]."""


def rungs(session: ServiceSession, *, through_house: bool = False) -> tuple[Rung, ...]:
    """The start ladder. What a partner cannot report is said so; the cable is seen when the session becomes active.

    through_house: whether a clearing house stands between; it has passed the start on where the operator answered.
    """
    reached = {one.to_state: one.at for one in session.transitions}
    accepted = reached.get(SessionState.AUTHORISED)
    active = reached.get(SessionState.ACTIVE)
    energy = next((one.at for one in session.readings if one.energy > 0), None)
    asked = (session.reservation and session.reservation.use_requested_at) or session.opened_at
    if accepted is not None and accepted < asked:
        accepted = None  # that was an earlier start, of which nothing came
    answered = accepted or active
    if session.identification != IdentificationMethod.COMMAND:
        return tuple(_first_waits(_ladder_at_post(session, answered, active, energy), session))
    ladder = [
        Rung(name="sent", state=RungState.DONE, at=asked),
        Rung(name="home_platform", state=RungState.DONE, at=asked),
        *(
            [_rung("clearing_house", answered or _refused_at(session), waits_for="clearing house")]
            if through_house
            else ()
        ),
        _rung("operator", answered, waits_for=session.visited),
        _rung("station", answered, waits_for="station"),
        _rung("cable", active, waits_for="driver", until=None if answered is None else answered + PLUG_IN_WITHIN),
        _rung("energy", energy, waits_for="car"),
    ]
    return tuple(_first_waits(ladder, session))


def _ladder_at_post(
    session: ServiceSession, answered: datetime | None, active: datetime | None, energy: datetime | None
) -> list[Rung]:
    """Who identifies at the station waits for nobody's command: the station has the card, and asks for the cable."""
    return [
        Rung(name="card", state=RungState.DONE, at=session.opened_at),
        Rung(name="home_platform", state=RungState.DONE, at=session.opened_at),
        _rung("station", answered, waits_for="station"),
        _rung("cable", active, waits_for="driver", until=None if answered is None else answered + PLUG_IN_WITHIN),
        _rung("energy", energy, waits_for="car"),
    ]


def _refused_at(session: ServiceSession) -> datetime | None:
    """When the operator itself said no."""
    refused = session.state is SessionState.REJECTED and session.reason.startswith(("answer_", "result_"))
    return session.transitions[-1].at if refused else None


def _rung(name: str, at: datetime | None, *, waits_for: object, until: datetime | None = None) -> Rung:
    state = RungState.DONE if at is not None else RungState.PENDING
    return Rung(name=name, state=state, at=at, waits_for=str(waits_for), until=until)


def _first_waits(ladder: list[Rung], session: ServiceSession) -> list[Rung]:
    """The first rung that is not done is waited for; in a session that ended before, it failed."""
    failed = session.state in {SessionState.REJECTED, SessionState.EXPIRED}
    waiting = RungState.FAILED if failed else RungState.WAITING
    first = next((index for index, one in enumerate(ladder) if one.state is RungState.PENDING), None)
    if first is None:
        return ladder
    if session.state in ENDED and not failed:
        missing = RungState.NOT_REPORTED
        return [one.model_copy(update={"state": missing}) if one.state is RungState.PENDING else one for one in ladder]
    return [one.model_copy(update={"state": waiting}) if index == first else one for index, one in enumerate(ladder)]
