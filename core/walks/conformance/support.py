"""UC5-1, UC5-2 and UC5-3: outages announced, stuck cables released by a person."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from core.driver_messages import SessionView, SiteView
from core.endpoint.extensions import emergencyunlocks, servicenotices
from core.model.cable_unlock import EmergencyUnlock, UnlockCase, UnlockCode, UnlockState
from core.model.notices import Notice, NoticeCause, NoticeKind
from core.model.services import PLAIN
from core.model.session import SessionState, StopReason
from core.model.sites import LocalisedText
from core.network import Member
from core.simulation.faults import Faults
from core.store.cable_unlocks import list_unlocks
from core.visited_cso.outages import announce, end
from core.walks.conformance.bench import Bench, Post
from core.walks.conformance.check import Check, refused, same
from core.walks.conformance.information import FOREIGN
from core.walks.scenario import Finding

_AGENT = "conformance"


def _notice(bench: Bench, post: Post, id: str, **changed: object) -> Notice:
    party, now = post.member.platform.context.party, bench.clock.now()
    values: dict[str, object] = {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": id,
        "kind": NoticeKind.UNPLANNED_OUTAGE,
        "site_id": post.site.id,
        "evse_uids": (post.evse_uid,),
        "begin": now,
        "cause": NoticeCause.FAULT,
        "texts": (LocalisedText(language="en", text="Out of order for a moment."),),
        "last_updated": now,
    }
    return Notice.model_validate(values | changed)


def _at(site: SiteView, post: Post) -> tuple[str, bool]:
    """Status of the post, and whether one can start there."""
    return next((one.status, one.startable) for one in site.evses if one.uid == post.evse_uid)


async def _outage(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    context, notice = post.member.platform.context, _notice(bench, post, "OUTAGE")
    await context.store.write(lambda connection: announce(connection, context, notice))
    await bench.settled()
    during = await bench.driver.site(post.site)
    await context.store.write(lambda connection: end(connection, context, notice.id))
    await bench.settled()
    after = await bench.driver.site(post.site)
    return [
        same(
            "what drivers see",
            [(NoticeKind.UNPLANNED_OUTAGE, True)],
            [(one.kind, one.in_force) for one in during.notices],
        ),
        same("the post meanwhile", ("OUTOFORDER", False), _at(during, post)),
        same("notices once it has ended", 0, len(after.notices)),
        same("the post once it has ended", ("AVAILABLE", True), _at(after, post)),
    ]


async def _notice_refused(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    calls, home = post.member.platform.context.calls, bench.home_at(post.member)

    async def put(**changed: object) -> None:
        await servicenotices.put_notice(calls, home, _notice(bench, post, "REFUSED", **changed))

    findings = [
        await refused("a notice of another party", put(**FOREIGN)),
        await refused("an unknown site", put(site_id="NOWHERE", evse_uids=())),
        await refused("an unknown EVSE", put(evse_uids=("NOBODYS",))),
        await refused("the end of what was never announced", put(kind=NoticeKind.RESTORED)),
    ]
    before = len((await bench.driver.site(post.site)).notices)
    await put(version=2, kind=NoticeKind.RESTRICTION)
    await put(version=1)  # late
    other_content = await refused("the same version with other content", put(version=2))
    shown = (await bench.driver.site(post.site)).notices
    await put(version=3, kind=NoticeKind.RESTORED)
    return [
        *findings,
        same("notices of all that", 0, before),
        other_content,
        same("after a late version", [NoticeKind.RESTRICTION], [one.kind for one in shown]),
        same("after its end", 0, len((await bench.driver.site(post.site)).notices)),
    ]


def _incidents(post: Post) -> list[EmergencyUnlock]:
    context = post.member.platform.context
    with context.store.read() as connection:
        return [one.unlock for one in list_unlocks(connection, context.party)]


def _request(bench: Bench, post: Post, session: SessionView, **changed: object) -> EmergencyUnlock:
    """As the home-CSP's operator would release it, a new one each time."""
    made = EmergencyUnlock(
        id=str(uuid4()),
        case=UnlockCase.ACTIVATED,
        site=post.site,
        evse_uid=post.evse_uid,
        connector_id=post.connector_id,
        reference=session.id,
        visited_session_id=bench.at_home(session.id).visited_session_id,
        requested_at=bench.clock.now(),
        agent=_AGENT,
        user_verified=True,
        safety_confirmed=True,
    )
    return made.model_copy(update=changed)


async def _code(bench: Bench, post: Post, request: EmergencyUnlock) -> UnlockCode | None:
    """Why the visited-CSO does not take it; None where it does."""
    calls = bench.network.home.context.calls
    return (await emergencyunlocks.send_request(calls, bench.visited(post.member), request)).code


async def _released(bench: Bench, session_id: str) -> tuple[UnlockState, UnlockCode | None]:
    """Asked by the driver, released by a person, and what came of it."""
    asked = await bench.driver.ask_unlock(session_id, "the plug does not come out")
    await bench.network.home.unlocks.release(asked.id, agent=_AGENT, user_verified=True, safety_confirmed=True)
    over = {UnlockState.UNLOCKED, UnlockState.REFUSED, UnlockState.UNSAFE, UnlockState.FAILED}
    view = await bench.until(
        lambda: bench.driver.session(session_id), lambda seen: seen.unlock is not None and seen.unlock.state in over
    )
    assert view.unlock is not None  # it was asked for
    return view.unlock.state, view.unlock.code


def _with_socket(post: Post) -> bool:
    return not post.cable_is_fixed


async def _unlocked(bench: Bench) -> Sequence[Finding]:
    """Asked, checked, energy stopped, unlocked, on record, billed."""
    post = await bench.post(_with_socket)
    await bench.suffer(post, Faults(cable_stuck=True))
    view = await bench.charge(post)
    stuck = await refused("to pull the plug", post.equipment.unplug(post.evse_uid))
    asked = await bench.driver.ask_unlock(view.id, "the plug does not come out")
    alone, home = len(_incidents(post)), bench.network.home
    unchecked = await refused(
        "a release without a check of safety",
        home.unlocks.release(asked.id, agent=_AGENT, user_verified=True, safety_confirmed=False),
        "not_verified",
    )
    outcome = await _released(bench, view.id)
    incident = next((one for one in _incidents(post) if one.evse_uid == post.evse_uid), None)
    await post.equipment.unplug(post.evse_uid)
    ended = await bench.receipted(view.id)
    visited = bench.at_visited(post, view.id)
    return [
        stuck,
        same("incidents on the driver's word alone", 0, alone),
        unchecked,
        same("what came of it", (UnlockState.UNLOCKED, None), outcome),
        same(
            "on record at the visited-CSO", (UnlockCase.ACTIVATED, _AGENT), incident and (incident.case, incident.agent)
        ),
        same("why the session ended", StopReason.EMERGENCY_UNLOCK, visited.stop_reason),
        same("the session at last", SessionState.RECONCILED, ended.state),
    ]


async def _unlock_refused(bench: Bench) -> Sequence[Finding]:
    post = await bench.post(_with_socket)
    view = await bench.charge(post)
    nowhere = post.site.model_copy(update={"id": "NOWHERE"})
    findings = [
        same(what, code, await _code(bench, post, _request(bench, post, view, **changed)))
        for what, code, changed in (
            ("the user not verified", UnlockCode.NOT_VERIFIED, {"user_verified": False}),
            ("safety not confirmed", UnlockCode.NOT_VERIFIED, {"safety_confirmed": False}),
            ("somebody else's session", UnlockCode.NOT_PARTY, {"visited_session_id": "SOMEBODYS"}),
            ("an unknown connector", UnlockCode.UNKNOWN_CONNECTOR, {"connector_id": "9"}),
            ("an unknown site", UnlockCode.UNKNOWN_CONNECTOR, {"site": nowhere}),
        )
    ]
    return [*findings, same("the station goes on", "charging", post.equipment.evse_state(post.evse_uid).value)]


@contextmanager
def _impatient(member: Member) -> Iterator[None]:
    """The operator does not wait for a current to cease."""
    unlocks = member.platform.unlocks
    before, unlocks.current_gone_within = unlocks.current_gone_within, timedelta(milliseconds=1)
    try:
        yield
    finally:
        unlocks.current_gone_within = before


async def _under_current(bench: Bench) -> Sequence[Finding]:
    """A contactor is welded: the station has stopped, and its meter says that the current flows on."""
    post = await bench.post(_with_socket)
    view = await bench.charge(post)
    await bench.suffer(post, Faults(contactor_welded=True))
    with _impatient(post.member):
        outcome = await _released(bench, view.id)
    return [
        same("what came of it", (UnlockState.UNSAFE, UnlockCode.CURRENT_FLOWS), outcome),
        await refused("to pull the plug", post.equipment.unplug(post.evse_uid)),
    ]


async def _unlocked_on_plain_ocpi(bench: Bench) -> Sequence[Finding]:
    """A partner that agreed to no extension is asked nothing: a bare UNLOCK_CONNECTOR knows no interlock."""
    post = await bench.post(_with_socket)
    view = await bench.charge(post)
    async with bench.agreed(post.member, services=PLAIN):
        await bench.heard()
        asked = await refused("an unlock", _code(bench, post, _request(bench, post, view)), "not_agreed")
        sent = [one.path for one in await bench.heard() if "unlock" in one.path.lower()]
    return [
        asked,
        same("asked of the operator", [], sent),
        same("the station goes on", "charging", post.equipment.evse_state(post.evse_uid).value),
    ]


async def _no_lock(bench: Bench) -> Sequence[Finding]:
    """A cable fixed to the post has its lock in the car."""
    post = await bench.post(lambda one: one.cable_is_fixed)
    view = await bench.charge(post)
    code = await _code(bench, post, _request(bench, post, view))
    return [same("a cable that is fixed to the post", UnlockCode.NO_LOCK, code)]


async def _after_failure(bench: Bench) -> Sequence[Finding]:
    """The attempt is the proof, for a quarter of an hour."""
    post = await bench.post(_with_socket)
    await bench.suffer(post, Faults(refuses_start=True))
    attempt = await bench.start(post)
    outcome = await _released(bench, attempt.id)
    incident = next(one for one in _incidents(post) if one.evse_uid == post.evse_uid)
    await bench.advance(minutes=16)
    late = await _code(bench, post, _failed(bench, post, attempt, reference=attempt.id))
    return [
        same("the start", SessionState.REJECTED, attempt.state),
        same("what came of it", (UnlockState.UNLOCKED, None), outcome),
        same(
            "on record at the visited-CSO",
            (UnlockCase.ACTIVATION_FAILED, attempt.id),
            (incident.case, incident.reference),
        ),
        same("sixteen minutes later", UnlockCode.TOO_OLD, late),
    ]


def _failed(bench: Bench, post: Post, attempt: SessionView, **changed: object) -> EmergencyUnlock:
    values = {"case": UnlockCase.ACTIVATION_FAILED, "visited_session_id": None, "session_id": None}
    return _request(bench, post, attempt, **(values | changed))


async def _not_after_failure(bench: Bench) -> Sequence[Finding]:
    """Without an attempt nothing is proved; a cable that a later session holds stays locked."""
    post = await bench.post(_with_socket)
    await bench.suffer(post, Faults(refuses_start=True))
    attempt = await bench.start(post)
    never = await _code(bench, post, _failed(bench, post, attempt, reference="NEVER-TRIED"))
    await bench.suffer(post)
    await bench.charge(post)
    theirs = await _code(bench, post, _failed(bench, post, attempt, reference=attempt.id))
    return [
        same("an attempt that never was", UnlockCode.NO_MATCHING_ATTEMPT, never),
        same("a cable that another session holds", UnlockCode.IN_USE_BY_ANOTHER, theirs),
        same("the station goes on", "charging", post.equipment.evse_state(post.evse_uid).value),
    ]


_NOTICES = frozenset({"PUT nlevr-servicenotices"})
_UNLOCKS = frozenset({"POST nlevr-emergencyunlocks"})

SUPPORT = (
    Check("UC5-1", "outage", "an outage closes its post for drivers until it is ended", _outage, _NOTICES),
    Check(
        "UC5-1",
        "notice_refused",
        "refused: foreign party, unknown place, end of nothing, changed version",
        _notice_refused,
        _NOTICES,
    ),
    Check(
        "UC5-2",
        "unlock",
        "a stuck cable is released by a person after energy has stopped, and recorded",
        _unlocked,
        _UNLOCKS,
    ),
    Check(
        "UC5-2",
        "unlock_refused",
        "refused: not verified, not safe, foreign session, unknown connector",
        _unlock_refused,
        _UNLOCKS,
    ),
    Check("UC5-2", "current_flows", "refused: while current flows", _under_current, _UNLOCKS),
    Check(
        "UC5-2",
        "unlock_plain",
        "refused with the reason on plain OCPI, never a bare UNLOCK_CONNECTOR",
        _unlocked_on_plain_ocpi,
    ),
    Check("UC5-2", "no_lock", "refused: a cable that is fixed to the post", _no_lock, _UNLOCKS),
    Check(
        "UC5-3",
        "failed_start",
        "after a failed start the attempt is the proof, for a quarter of an hour",
        _after_failure,
        _UNLOCKS,
    ),
    Check(
        "UC5-3",
        "failed_start_refused",
        "refused: no such attempt; a cable that another session holds",
        _not_after_failure,
        _UNLOCKS,
    ),
)
"""UC5-1, UC5-2 and UC5-3."""
