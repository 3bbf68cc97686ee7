"""UC3-4, UC3-5 and UC3-6: while a session runs, and how it ends."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import uuid4

from sqlalchemy import select

from core.endpoint.extensions.dynamicinformation import current_session, subscribe
from core.endpoint.ports import Command, CommandAnswer, CommandKind, Held
from core.model.services import PLAIN
from core.model.session import ServiceSession, SessionState, StopScope
from core.model.session_report import SessionReport
from core.network import Member
from core.simulation.faults import Faults
from core.store.tables import service_session
from core.walks.conformance.bench import Bench, Post
from core.walks.conformance.check import Check, refused, same
from core.walks.conformance.information import FOREIGN
from core.walks.scenario import Finding

ALONE = StopScope.ENERGY_TRANSFER


def _stop_command(bench: Bench, session_id: str, scope: StopScope | None = None) -> Command:
    calls = bench.network.home.context.calls
    return Command(
        kind=CommandKind.STOP_SESSION,
        response_url=calls.response_url(CommandKind.STOP_SESSION, str(uuid4())),
        session_id=session_id,
        stop_scope=scope,
    )


async def _state_of(post: Post) -> str:
    return post.equipment.evse_state(post.evse_uid).value


async def _stopped(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    view = await bench.charge(post)
    await bench.driver.stop(view.id)
    state = await bench.until(lambda: _state_of(post), lambda seen: seen == "finishing")
    await bench.settled()
    home, visited = bench.at_home(view.id), bench.at_visited(post, view.id)
    ended = await bench.end(post, view.id)
    late = await bench.network.home.context.calls.command(bench.visited(post.member), _stop_command(bench, visited.id))
    return [
        same("the station", "finishing", state),
        same("while the cable is in, at both ends", [SessionState.ACTIVE] * 2, [home.state, visited.state]),
        same("after the cable is out", SessionState.RECONCILED, ended.state),
        same("a stop of what has ended", CommandAnswer.ACCEPTED, late.answer),
    ]


async def _paused(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    view = await bench.charge(post)
    await bench.driver.stop(view.id, ALONE)
    state = await bench.until(lambda: _state_of(post), lambda seen: seen == "suspended_evse")
    await bench.settled()
    await bench.advance(minutes=1)  # the meter as it stood when energy stopped comes with the next report
    await bench.settled()
    rest = bench.at_visited(post, view.id).energy
    await bench.advance(minutes=5)
    await bench.settled()
    parked = bench.at_visited(post, view.id)
    await bench.driver.resume_transfer(view.id)
    await bench.until(lambda: _state_of(post), lambda seen: seen == "charging")
    await bench.advance(minutes=3)
    await bench.settled()
    again = bench.at_visited(post, view.id)
    return [
        same("the station after a stop of the energy transfer", "suspended_evse", state),
        same("the session five minutes later", (SessionState.ACTIVE, rest), (parked.state, parked.energy)),
        same("energy flows again", True, again.energy > rest),
        same(
            "in one transaction of two transfers",
            [2],
            [len(one.energy_transfers) for one in again.transactions if one.energy_transfers],
        ),
    ]


async def _not_stopped(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    view = await bench.charge(post)
    visited = bench.at_visited(post, view.id)
    calls, other = bench.network.home.context.calls, bench.other(post.member)
    elsewhere = await calls.command(bench.visited(other), _stop_command(bench, visited.id))
    unknown = await calls.command(bench.visited(post.member), _stop_command(bench, "NOBODYS"))
    await bench.suffer(post, Faults(cannot_pause=True))
    await bench.driver.stop(view.id, ALONE)
    told = await bench.session(view.id, lambda seen: seen.stop_problem is not None)
    return [
        same("at an operator that has no such session", CommandAnswer.UNKNOWN_SESSION, elsewhere.answer),
        same("an unknown session", CommandAnswer.UNKNOWN_SESSION, unknown.answer),
        same("a station that cannot pause", "stop_not_supported", told.stop_problem and told.stop_problem.code),
        same("the station goes on", "charging", await _state_of(post)),
    ]


async def _stopped_on_plain_ocpi(bench: Bench) -> Sequence[Finding]:
    """A partner that agreed to no extension: it is never asked to stop energy alone, and all else goes on as ever."""
    post = await bench.post()
    view = await bench.charge(post)
    async with bench.agreed(post.member, services=PLAIN):
        seen = await bench.driver.session(view.id)
        alone = await refused("energy alone", bench.driver.stop(view.id, ALONE), "stop_scope_not_agreed")
        state = await _state_of(post)
        ended = await bench.end(post, view.id)
    return [
        same("the driver may pause", False, seen.can_pause),
        alone,
        same("the station after it", "charging", state),
        same("the session stopped as a whole and billed", SessionState.RECONCILED, ended.state),
    ]


async def _silent(bench: Bench) -> Sequence[Finding]:
    """A station out of reach: the driver is warned, and the stop is done once it is heard again."""
    post = await bench.post()
    view = await bench.charge(post)
    await bench.suffer(post, Faults(offline=True))
    await bench.driver.stop(view.id)
    warned = await bench.session(view.id, lambda seen: seen.stop_problem is not None)
    await bench.advance(minutes=1)
    await bench.suffer(post)
    state = await bench.until(lambda: _state_of(post), lambda seen: seen == "finishing")
    return [
        same("the driver is told", "stop_timeout", warned.stop_problem and warned.stop_problem.code),
        same("the station once it is heard again", "finishing", state),
    ]


async def _completed(bench: Bench) -> Sequence[Finding]:
    """The plug is pulled without a stop: the transaction is complete all the same."""
    post = await bench.post()
    view = await bench.charge(post)
    await post.equipment.unplug(post.evse_uid)
    at = bench.clock.now()
    await bench.receipted(view.id)
    home, visited = bench.at_home(view.id), bench.at_visited(post, view.id)
    return [
        same("ended at both ends", [at, at], [home.ended_at, visited.ended_at]),
        same("energy at both ends", visited.energy, home.energy),
        same("some energy", True, home.energy > 0),
        same("transactions that are open", 0, sum(one.end is None for one in visited.transactions)),
    ]


def report_of(post: Post, visited_session_id: str) -> SessionReport:
    """A session as the visited-CSO last told it."""
    context = post.member.platform.context
    query = select(service_session.c.partner_body).where(service_session.c.id == visited_session_id)
    with context.store.read() as connection:
        return context.reader.session(connection.execute(query).scalar_one())


async def _tell(bench: Bench, member: Member, report: SessionReport) -> None:
    context = member.platform.context
    await context.calls.put_session(bench.home_at(member), Held(report, context.writer.session(report)))


async def _reopened(bench: Bench) -> Sequence[Finding]:
    """A message from before the end comes again, late."""
    post = await bench.post()
    view = await bench.charge(post)
    visited = bench.at_visited(post, view.id)
    early = report_of(post, visited.id)
    await post.equipment.unplug(post.evse_uid)
    await bench.receipted(view.id)
    before = bench.at_home(view.id)
    await _tell(bench, post.member, early)
    return [
        same("the late message was of", "ACTIVE", early.status.value.upper()),
        same("the session after it", before, bench.at_home(view.id)),
    ]


async def _progress(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    view = await bench.charge(post)
    rows, costs = [], []
    for _ in range(3):
        await bench.advance(minutes=1)
        await bench.settled()
        visited = bench.at_visited(post, view.id)
        meter = post.equipment.reading(visited.id).session_energy_kwh
        seen = await bench.session(view.id, lambda one, meter=meter: one.energy_kwh == meter)  # type: ignore[misc]  # a default as a closure
        rows.append((meter, visited.energy, seen.energy_kwh))
        costs.append(seen.cost.amount if seen.cost else Decimal(-1))
    return [
        same("kWh of meter, visited-CSO and driver, minute by minute", [(one[0],) * 3 for one in rows], rows),
        same("they grow", True, all(one[0] < other[0] for one, other in pairwise(rows))),
        same("a cost so far that never falls", True, costs == sorted(costs) and costs[0] >= 0),
    ]


async def _not_taken(bench: Bench) -> Sequence[Finding]:
    """A meter that runs backwards, and a report by one whose session it is not."""
    post = await bench.post()
    view = await bench.charge(post, minutes=3)
    visited = bench.at_visited(post, view.id)
    told, before = report_of(post, visited.id), bench.at_home(view.id).energy
    await bench.advance(seconds=1)
    less = told.model_copy(update={"energy": told.energy / 2, "last_updated": bench.clock.now()})
    try:
        await _tell(bench, post.member, less)
        answer = "taken"
    except Exception as error:  # noqa: BLE001  # refused or ignored: what counts is what is kept
        answer = type(error).__name__
    foreign = told.model_copy(update=FOREIGN)
    return [
        same(f"energy after a report of less ({answer})", before, bench.at_home(view.id).energy),
        await refused("a report in the name of another party", _tell(bench, post.member, foreign)),
    ]


async def _at_interval(bench: Bench) -> Sequence[Finding]:
    """Readings come every minute: of four, the first is told at an interval of five minutes."""
    post = await bench.post()
    view = await bench.charge(post)
    calls, partner = bench.network.home.context.calls, bench.visited(post.member)

    async def visited() -> ServiceSession:
        return bench.at_visited(post, view.id)

    by_itself = await bench.until(visited, lambda seen: seen.updates is not None)
    id = by_itself.id
    granted = await subscribe(calls, partner, id, timedelta(minutes=5))
    known = []
    for _ in range(4):
        await bench.advance(minutes=1)
        await bench.settled()
        known.append(bench.at_home(view.id).energy == bench.at_visited(post, view.id).energy)
    held = await current_session(calls, partner, id)
    least = await subscribe(calls, partner, id, timedelta(seconds=1))
    elsewhere = current_session(calls, bench.visited(bench.other(post.member)), id)
    return [
        same("asked for by itself", timedelta(minutes=1), by_itself.updates and by_itself.updates.interval),
        same("the interval that is granted", timedelta(minutes=5), granted),
        same("whether the reading is told, minute by minute", [True, False, False, False], known),
        same("energy, asked for in between", bench.at_visited(post, view.id).energy, held.value.energy),
        await refused("asked for again at once", current_session(calls, partner, id), "too_often"),
        same("an interval shorter than agreed becomes", partner.agreement.update_interval, least),
        await refused("at an operator that has no such session", elsewhere),
    ]


_STOP = frozenset({"POST STOP_SESSION"})
_SESSIONS = frozenset({"PUT sessions"})

CHARGING = (
    Check(
        "UC3-4",
        "stop",
        "a stop ends energy, the session stays until the cable is out; again is harmless",
        _stopped,
        _STOP,
    ),
    Check("UC3-4", "stop_energy", "a stop of the energy transfer alone, and energy again", _paused, _STOP),
    Check(
        "UC3-4",
        "stop_refused",
        "refused: at another operator, an unknown session, by a station that cannot pause",
        _not_stopped,
        _STOP,
    ),
    Check(
        "UC3-4",
        "stop_plain",
        "on plain OCPI a stop of energy alone is refused, never made a whole one; the session is billed",
        _stopped_on_plain_ocpi,
        _STOP,
    ),
    Check(
        "UC3-4",
        "stop_silent",
        "a station out of reach: the driver is warned, the stop done when it is heard",
        _silent,
        _STOP,
    ),
    Check(
        "UC3-5",
        "completed",
        "unplugged without a stop: ended at both ends alike, all transactions closed",
        _completed,
        _SESSIONS,
    ),
    Check("UC3-5", "late_report", "a message from before the end reopens nothing", _reopened, _SESSIONS),
    Check(
        "UC3-6", "progress", "energy of meter, visited-CSO and driver are one, minute by minute", _progress, _SESSIONS
    ),
    Check(
        "UC3-6",
        "interval",
        "told at the interval asked for; refused: asked too often, a foreign session",
        _at_interval,
        frozenset({"PUT nlevr-dynamicinformation", "GET nlevr-dynamicinformation"}),
    ),
    Check(
        "UC3-6", "report_refused", "refused: energy that falls, a report in another party's name", _not_taken, _SESSIONS
    ),
)
"""UC3-4, UC3-5 and UC3-6."""
