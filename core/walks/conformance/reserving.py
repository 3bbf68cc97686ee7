"""UC3-8: a post is held for a driver, now or for later."""

from collections.abc import Sequence
from uuid import uuid4

from core.driver_messages import SessionView
from core.driver_messages.reservations import ReservationWish
from core.endpoint.ports import Command, CommandAnswer, CommandKind, Held
from core.errors import EvroamError, NotFound
from core.model.reservations import CancelReason
from core.model.session import SessionState, TransactionKind
from core.model.sites import Capability, Status
from core.visited_cso.energy_transfer.bookings import begin_due
from core.visited_cso.energy_transfer.reserved import cancel_at
from core.visited_cso.sites import load_site
from core.walks.conformance.bench import Bench, Post
from core.walks.conformance.check import Check, NotOffered, answered, refused, same
from core.walks.conformance.information import FOREIGN
from core.walks.scenario import Finding

S = SessionState


async def _post(bench: Bench, reservable: bool = True) -> Post:
    """A free post that can (or cannot) be reserved, as its operator publishes it. Raises NotFound."""
    offers: dict[str, bool] = {}

    def fits(post: Post) -> bool:
        return offers[post.evse_uid] is reservable

    for post in bench.posts:
        context = post.member.platform.context
        with context.store.read() as connection:
            site = load_site(connection, context, post.site.id)
        equipment = site.find_equipment(post.evse_uid) if site else None
        offers[post.evse_uid] = equipment is not None and Capability.RESERVABLE in equipment.capabilities
    return await bench.post(fits)


def _status(post: Post) -> Status:
    context = post.member.platform.context
    with context.store.read() as connection:
        site = load_site(connection, context, post.site.id)
    equipment = site.find_equipment(post.evse_uid) if site else None
    if equipment is None:
        raise NotFound("The visited-CSO has no such EVSE.", code="unknown_evse")
    return equipment.status


async def _reserve(bench: Bench, post: Post, *, minutes: int = 15, in_minutes: int = 0) -> SessionView:
    """Reserved, or how it ended otherwise."""
    starts_at = bench.later(minutes=in_minutes) if in_minutes else None
    wish = ReservationWish(quote_id=(await bench.quote(post)).id, minutes=minutes, starts_at=starts_at)
    asked = await bench.driver.reserve(wish)
    view = await bench.session(asked.id, lambda seen: seen.state is S.RESERVED)
    if view.state is not S.RESERVED:
        raise EvroamError(f"The reservation ended {view.state}.", code="not_reserved")
    await bench.settled()
    return view


async def _arrived(bench: Bench) -> Sequence[Finding]:
    post = await _post(bench)
    view = await _reserve(bench, post)
    held = _status(post)
    await bench.advance(minutes=5)
    started = await bench.driver.start_reserved(view.id)
    await bench.session(view.id, lambda seen: seen.state is S.AUTHORISED)
    await bench.plug_in(post)
    await bench.advance(minutes=2)
    await bench.session(view.id, lambda seen: seen.state is S.ACTIVE)
    ended = await bench.end(post, view.id)
    kinds = [one.kind for one in bench.at_visited(post, view.id).transactions][:2]
    return [
        same("status while it is held", Status.RESERVED, held),
        same("charged in the same session", view.id, started.id),
        same("its transactions", [TransactionKind.RESERVATION, TransactionKind.ENERGY], kinds),
        same("the session at last", S.RECONCILED, ended.state),
    ]


async def _cancelled(bench: Bench) -> Sequence[Finding]:
    post = await _post(bench)
    view = await _reserve(bench, post)
    await bench.advance(minutes=2)
    await bench.driver.cancel_reservation(view.id)
    await bench.receipted(view.id)
    passed = [one.to_state for one in bench.at_home(view.id).transitions]
    return [
        same("cancelled, nobody missing", (True, False), (S.CANCELLED in passed, S.NO_SHOW in passed)),
        same("status afterwards", Status.AVAILABLE, _status(post)),
    ]


async def _not_come(bench: Bench) -> Sequence[Finding]:
    post = await _post(bench)
    view = await _reserve(bench, post)
    await bench.advance(minutes=16)
    ended = await bench.receipted(view.id)
    receipt = await bench.driver.receipt(ended.receipt_id or "")
    assert view.reservation is not None  # it is reserved
    promised = view.reservation.unused
    return [
        same("not coming costs what was told", promised and promised.amount, receipt.total),
        same("no show", True, S.NO_SHOW in [one.to_state for one in bench.at_home(view.id).transitions]),
        same("status afterwards", Status.AVAILABLE, _status(post)),
    ]


async def _taken_back(bench: Bench) -> Sequence[Finding]:
    post = await _post(bench)
    view = await _reserve(bench, post)
    context = post.member.platform.context
    await cancel_at(context, frozenset({post.evse_uid}), CancelReason.POWER_OUTAGE, "No power.")
    told = await bench.until(
        lambda: bench.driver.session(view.id), lambda seen: bool(seen.reservation and seen.reservation.message)
    )
    await bench.settled()
    return [
        same(
            "the driver is told",
            (S.CANCELLED, "reservation_taken_back"),
            (told.state, told.problem and told.problem.code),
        ),
        same("in the operator's words", "No power.", told.reservation and told.reservation.message),
        same("receipt", None, (await bench.driver.session(view.id)).receipt_id),
    ]


def _command(bench: Bench, post: Post, **changed: object) -> Command:
    context = bench.network.home.context
    credential = bench.credential().model_copy(update=changed.pop("credential", {}))  # type: ignore[arg-type]  # members by name
    wanted: dict[str, object] = {
        "response_url": context.calls.response_url(CommandKind.RESERVE_NOW, str(uuid4())),
        "credential": Held(credential, context.writer.credential(credential)),
        "site_id": post.site.id,
        "evse_uid": post.evse_uid,
        "reservation_id": str(uuid4()),
        "expiry": bench.later(minutes=20),
    }
    return Command(kind=CommandKind.RESERVE_NOW, **(wanted | changed))  # type: ignore[arg-type]  # members by name


async def _refused(bench: Bench) -> Sequence[Finding]:
    post, other = await _post(bench), await _post(bench, reservable=False)
    calls, partner = bench.network.home.context.calls, bench.visited(post.member)
    findings = []
    for what, changed in (
        ("an unknown EVSE", {"evse_uid": "NOBODYS"}),
        ("longer than is held", {"expiry": bench.later(hours=5)}),
        ("a time that is past", {"expiry": bench.later(minutes=-1)}),
        ("a credential of another party", {"credential": FOREIGN}),
    ):
        attempt = calls.command(partner, _command(bench, post, **changed))
        findings.append(await answered(what, attempt, CommandAnswer.REJECTED))
    nowhere = calls.command(partner, _command(bench, post, site_id="NOWHERE"))
    findings.append(await refused("an unknown site", nowhere, "unknown_location"))
    never = await calls.command(bench.visited(other.member), _command(bench, other))
    findings.append(same("a post that cannot be reserved", CommandAnswer.NOT_SUPPORTED, never.answer))
    view = await _reserve(bench, post)
    overlapping = await calls.command(partner, _command(bench, post))
    return [
        *findings,
        same("another reservation of the same post and driver", CommandAnswer.REJECTED, overlapping.answer),
        same("the first one after it", S.RESERVED, bench.at_visited(post, view.id).state),
    ]


async def _later(bench: Bench) -> Sequence[Finding]:
    """Booked for later: free until then, held from then on, given up without a bill before it begins."""
    post = await _post(bench)
    wish = ReservationWish(quote_id=(await bench.quote(post)).id)
    if (refusal := (await bench.driver.reservation_offer(wish)).later_refusal) is not None:
        raise NotOffered(refusal.message)
    view = await _reserve(bench, post, in_minutes=30)
    context = post.member.platform.context
    early = _status(post)
    attempt = await refused("to start before it begins", bench.driver.start_reserved(view.id), "reservation_ahead")
    await bench.advance(minutes=30)
    await begin_due(context)
    held = _status(post)
    await bench.driver.cancel_reservation(view.id)
    await bench.session(view.id, lambda seen: False)
    await bench.settled()
    second = await _reserve(bench, post, in_minutes=60)
    await bench.driver.cancel_reservation(second.id)
    given_up = await bench.session(second.id, lambda seen: False)
    return [
        same("status until it begins", Status.AVAILABLE, early),
        attempt,
        same("status from its begin on", Status.RESERVED, held),
        same("given up before it begins", (S.CANCELLED, None), (given_up.state, given_up.receipt_id)),
    ]


async def _calendar(bench: Bench) -> Sequence[Finding]:
    """A booking takes its time out of the operator's calendar; nobody is offered it again."""
    post = await _post(bench)
    starts_at = bench.later(minutes=90)
    wish = ReservationWish(quote_id=(await bench.quote(post)).id, minutes=15, starts_at=starts_at)
    if (refusal := (await bench.driver.reservation_offer(wish)).later_refusal) is not None:
        raise NotOffered(refusal.message)

    async def problem() -> str | None:
        again = wish.model_copy(update={"quote_id": (await bench.quote(post)).id})
        told = await bench.driver.reservation_offer(again)
        return None if told.refusal is None else told.refusal.code

    before = await problem()
    view = await _reserve(bench, post, in_minutes=90)
    await bench.settled()
    while_booked = await problem()
    await bench.driver.cancel_reservation(view.id)
    await bench.session(view.id, lambda seen: False)
    await bench.settled()
    return [
        same("offered before it is booked", None, before),
        same("offered while it is booked", "reservation_not_free", while_booked),
        same("offered after it was given up", None, await problem()),
    ]


_RESERVE = frozenset({"POST RESERVE_NOW"})

RESERVING = (
    Check("UC3-8", "reserved", "reserved, arrived, charged in one session", _arrived, _RESERVE),
    Check("UC3-8", "cancelled", "cancelled by the driver", _cancelled, _RESERVE | {"POST CANCEL_RESERVATION"}),
    Check("UC3-8", "not_come", "not coming costs what was told", _not_come, _RESERVE),
    Check("UC3-8", "taken_back", "taken back by the operator: the reason is told, nobody pays", _taken_back, _RESERVE),
    Check("UC3-8", "booked", "booked for later by OCPI's module of bookings", _later, frozenset({"POST bookings"})),
    Check(
        "UC3-8",
        "calendar",
        "the operator's calendar shows what is free, and only that is offered",
        _calendar,
        frozenset({"PUT bookings"}),
    ),
    Check(
        "UC3-8",
        "reserve_refused",
        "refused: unknown post, too long, past, foreign credential, overlap, not reservable",
        _refused,
        _RESERVE,
    ),
)
"""UC3-8."""
