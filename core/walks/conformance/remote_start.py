"""UC3-2: start from the home-CSP, and all that keeps a start from becoming a session."""

from collections.abc import Sequence
from uuid import uuid4

from core.endpoint.ports import Command, CommandAnswer, CommandKind, Held
from core.model.credentials import Credential
from core.model.session import SessionState
from core.simulation.faults import Faults
from core.walks.conformance.bench import Bench, Post
from core.walks.conformance.check import Check, answered, refused, same
from core.walks.conformance.information import FOREIGN
from core.walks.scenario import Finding


def start_command(bench: Bench, post: Post, **changed: object) -> Command:
    """A start as the home-CSP sends it, a new one each time."""
    context = bench.network.home.context
    credential = changed.pop("credential", None) or bench.credential()
    assert isinstance(credential, Credential)
    wanted: dict[str, object] = {
        "response_url": context.calls.response_url(CommandKind.START_SESSION, str(uuid4())),
        "credential": Held(credential, context.writer.credential(credential)),
        "site_id": post.site.id,
        "evse_uid": post.evse_uid,
        "connector_id": post.connector_id,
        "authorization_reference": str(uuid4()),
    }
    return Command(kind=CommandKind.START_SESSION, **(wanted | changed))  # type: ignore[arg-type]  # members by name


async def _started(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    view = await bench.charge(post)
    home, visited = bench.at_home(view.id), bench.at_visited(post, view.id)
    return [
        same("states at home-CSP and visited-CSO", [SessionState.ACTIVE] * 2, [home.state, visited.state]),
        same("authorization reference at both ends", home.authorization_reference, visited.authorization_reference),
        same("session id at both ends", visited.id, home.visited_session_id),
        same("start at both ends", visited.started_at, home.started_at),
    ]


async def _refused_by_station(bench: Bench) -> Sequence[Finding]:
    findings = []
    for faults, code in ((Faults(refuses_start=True), "result_rejected"), (Faults(offline=True), "not_started")):
        post = await bench.post()
        await bench.suffer(post, faults)
        view = await bench.start(post)
        findings.append(
            same(
                "end of the start, and what the driver is told",
                (SessionState.REJECTED, code),
                (view.state, view.problem and view.problem.code),
            )
        )
    return [*findings, same("open sessions", [], bench.open_sessions())]


async def _occupied(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    first, second = await bench.quote(post), await bench.quote(post)
    started = await bench.driver.start(first.id)
    await bench.session(started.id, lambda seen: seen.state is SessionState.AUTHORISED)
    return [
        await refused("a second start at the same post", bench.driver.start(second.id), "evse_occupied"),
        same("open sessions, home-CSP and visited-CSO", 2, len(bench.open_sessions())),
    ]


async def _refused_on_the_wire(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    calls, partner = bench.network.home.context.calls, bench.visited(post.member)
    foreign = bench.credential().model_copy(update=FOREIGN)
    findings = []
    for what, changed in (
        ("an unknown EVSE", {"evse_uid": "NOBODYS"}),
        ("an unknown connector", {"connector_id": "99"}),
        ("a credential of another party", {"credential": foreign}),
        ("a quote that nobody gave", {"quote_id": "NOBODYS"}),
    ):
        attempt = calls.command(partner, start_command(bench, post, **changed))
        findings.append(await answered(what, attempt, CommandAnswer.REJECTED))
    nowhere = calls.command(partner, start_command(bench, post, site_id="NOWHERE"))
    findings.append(await refused("an unknown site", nowhere, "unknown_location"))
    return [*findings, same("open sessions", [], bench.open_sessions())]


async def _repeated(bench: Bench) -> Sequence[Finding]:
    """The same command twice: one session, one answer. Nobody asked for it here, so that it is not ours to pay."""
    post = await bench.post()
    calls, partner = bench.network.home.context.calls, bench.visited(post.member)
    command = start_command(bench, post)
    first, second = await calls.command(partner, command), await calls.command(partner, command)
    await bench.settled()
    at_operator = [one for one in bench.open_sessions() if one.startswith(post.member.platform.context.name)]
    return [
        same("answer and the same again", [CommandAnswer.ACCEPTED] * 2, [first.answer, second.answer]),
        same("sessions at the visited-CSO", 1, len(at_operator)),
    ]


async def _unanswered(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    await bench.suffer(post, Faults(answer_lost=True))
    started = await bench.driver.start((await bench.quote(post)).id)
    view = await bench.session(started.id, lambda seen: False)
    passed = [one.to_state for one in bench.at_home(started.id).transitions]
    return [
        same("an unanswered start was unconfirmed", True, SessionState.UNCONFIRMED in passed),
        same("and ended", (SessionState.EXPIRED, "stopped"), (view.state, view.problem and view.problem.code)),
        same("receipt", None, view.receipt_id),
        same("open sessions", [], bench.open_sessions()),
    ]


async def _never_plugged_in(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    view = await bench.start(post)
    await bench.advance(minutes=3)
    view = await bench.session(view.id, lambda seen: False)
    return [
        same(
            "without a cable",
            (SessionState.EXPIRED, "not_plugged_in"),
            (view.state, view.problem and view.problem.code),
        ),
        same("receipt", None, view.receipt_id),
    ]


_START = frozenset({"POST START_SESSION"})

REMOTE_START = (
    Check(
        "UC3-2",
        "remote",
        "started from the home-CSP: one session under one reference at both ends",
        _started,
        _START | {"PUT sessions"},
    ),
    Check(
        "UC3-2",
        "station_refuses",
        "refused: by the station, by one out of reach; nothing open",
        _refused_by_station,
        _START,
    ),
    Check("UC3-2", "occupied", "refused: a second start at the same post", _occupied, _START),
    Check(
        "UC3-2",
        "start_refused",
        "refused: unknown site, EVSE, connector, quote; foreign credential",
        _refused_on_the_wire,
        _START,
    ),
    Check("UC3-2", "start_repeated", "the same command again changes nothing twice", _repeated, _START),
    Check(
        "UC3-2",
        "unanswered",
        "a start without an answer is unconfirmed and stopped before anybody pays",
        _unanswered,
        _START,
    ),
    Check("UC3-2", "no_cable", "without a cable a start ends, without a bill", _never_plugged_in, _START),
)
"""UC3-2."""
