"""The steps from the SDR to the receipt (Annex A.1, step 8), and what no message may have given away (5.4.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select

from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.errors import EvroamError, NotFound
from core.home_csp.context import Context as HomeContext
from core.home_csp.energy_transfer.sdr import Verdict as SdrVerdict
from core.home_csp.energy_transfer.terms import Terms, terms_of
from core.model.audit import Audit, Claims, audit
from core.model.money import Price, rounded
from core.model.price_list import driver_price
from core.model.pricing.measured import MeasuredSession
from core.model.receipt import CheckVerdict, Receipt
from core.model.sdr import Sdr
from core.model.session import SessionState
from core.store.tables import sdr as sdr_table
from core.visited_cso.context import Context as OperatorContext
from core.walks.ground import Both, Ground
from core.walks.messages import LogEntry
from core.walks.scenario import Actor, Finding, Step

_CENTS = 2

# -- UC3-9: sent and taken


@dataclass(frozen=True)
class KeptSdr:
    """An SDR as one platform keeps it."""

    sdr: Sdr
    body: str
    content_hash: str
    verdict: str


@dataclass(frozen=True)
class Sent:
    """The SDR at both platforms, and the session that it bills."""

    at_home: tuple[KeptSdr, ...]
    at_operator: tuple[KeptSdr, ...]
    both: Both


async def _receive(ground: Ground) -> Sent:
    await ground.until(ground.session, lambda seen: seen.receipt_id is not None)
    both = await ground.both()
    return Sent(_at_home(ground), _at_operator(ground, both), both)


def _at_home(ground: Ground) -> tuple[KeptSdr, ...]:
    return _kept(ground.network.home.context, ground.session_id)


def _at_operator(ground: Ground, both: Both) -> tuple[KeptSdr, ...]:
    return _kept(ground.member.platform.context, both.home.visited_session_id or "")


def _kept(context: HomeContext | OperatorContext, session_id: str) -> tuple[KeptSdr, ...]:
    query = select(sdr_table).where(sdr_table.c.session_id == session_id).order_by(sdr_table.c.id)
    with context.store.read() as connection:
        rows = connection.execute(query).all()
    return tuple(KeptSdr(context.reader.sdr(row.body), row.body, row.content_hash, row.verdict) for row in rows)


def _check_sent(seen: Sent) -> Sequence[Finding]:
    home = seen.both.home
    hashes = [[one.content_hash for one in kept] for kept in (seen.at_home, seen.at_operator)]
    return [
        Finding(
            expected="one SDR, of the same content at both platforms",
            actual=f"{len(hashes[0])} at the home-CSP, {len(hashes[1])} at the visited-CSO, "
            + ("of the same content" if hashes[0] == hashes[1] else "of other content"),
            holds=len(hashes[0]) == 1 and hashes[0] == hashes[1],
        ),
        Finding(
            expected="it repeats the authorization reference and the energy of the session",
            actual=", ".join(f"{one.sdr.authorization_reference}, {one.sdr.total_energy:f} kWh" for one in seen.at_home)
            or "no SDR",
            holds=bool(seen.at_home)
            and all(
                one.sdr.authorization_reference == home.authorization_reference and one.sdr.total_energy == home.energy
                for one in seen.at_home
            ),
        ),
        Finding(
            expected=f"the session is {SessionState.RECORDED} or {SessionState.RECONCILED}",
            actual=f"the session is {home.state}",
            holds=home.state in {SessionState.RECORDED, SessionState.RECONCILED},
        ),
    ]


# -- UC3-9: audited and billed


@dataclass(frozen=True)
class Billed:
    """The SDR with the home-CSP's verdict on it, the terms it is proved against, and the driver's receipt.

    quote_id: the quote on which the session stands, None for one that began at the post.
    """

    kept: KeptSdr
    terms: Terms
    time_zone: str
    quote_id: str | None
    receipt: Receipt
    in_history: Decimal | None


async def _bill(ground: Ground) -> Billed:
    view = await ground.session()
    receipt = await ground.client.receipt(view.receipt_id or "")
    listed = [one.total.amount for one in (await ground.client.receipts()).receipts if one.id == receipt.id]
    session = (await ground.both()).home
    quote = ground.frozen_quote() if session.quote_id is not None else None
    terms = terms_of(ground.network.home.context, session, quote)
    if terms is None:
        raise NotFound("no price is known for the session", code="no_terms")
    history = listed[0] if listed else None
    return Billed(_at_home(ground)[0], terms, session.time_zone, session.quote_id, receipt, history)


def _check_billed(seen: Billed) -> Sequence[Finding]:
    recomputed = _recomputed(seen.kept.sdr, seen.terms, seen.time_zone)
    receipt, terms = seen.receipt, seen.terms
    price = rounded(driver_price(recomputed.report, terms.price_list, terms.options.rounding).total.with_taxes, _CENTS)
    lines = rounded(sum((one.gross for one in receipt.lines), Decimal(0)), _CENTS)
    different = "; ".join(
        f"{one.figure} claimed {one.claimed}, under the frozen tariff {one.computed}" for one in recomputed.unexplained
    )
    return [
        Finding(
            expected="the SDR's total is what the frozen tariff gives",
            actual=different or f"{seen.kept.sdr.cost.total.before_taxes:f} {seen.kept.sdr.currency} before taxes",
            holds=not recomputed.unexplained,
        ),
        Finding(
            expected=f"the home-CSP's verdict {SdrVerdict.ACCEPTED}, its tariff check holds",
            actual=f"verdict {seen.kept.verdict}, tariff check {receipt.tariff_check.verdict}",
            holds=seen.kept.verdict == SdrVerdict.ACCEPTED and receipt.tariff_check.verdict is CheckVerdict.HOLDS,
        ),
        Finding(
            expected=f"receipt total {price} {receipt.currency}, recomputed from the SDR, and the sum of its lines",
            actual=f"receipt total {receipt.total} {receipt.currency}, its lines {lines}, in the history "
            f"{seen.in_history or 'missing'}",
            holds=receipt.total == price == lines == seen.in_history,
        ),
        _against_quote(seen.quote_id, receipt),
    ]


def _against_quote(quote_id: str | None, receipt: Receipt) -> Finding:
    check = receipt.quote_check
    if quote_id is None:
        return Finding(
            expected="the receipt says that there was no quote: the session began at the post",
            actual=f"the receipt names quote {receipt.quote_id or 'none'}, {check.code or check.verdict}",
            holds=receipt.quote_id is None and check.code == "started_at_post",
        )
    return Finding(
        expected=f"the receipt names quote {quote_id} and its promise is kept",
        actual=f"the receipt names quote {receipt.quote_id}, {check.verdict}",
        holds=receipt.quote_id == quote_id and check.verdict is CheckVerdict.HOLDS,
    )


def _recomputed(sdr: Sdr, terms: Terms, zone: str) -> Audit:
    """The SDR priced once more, here, under the tariff that was frozen when the driver agreed, or at the start."""
    claims = Claims(
        currency=sdr.currency,
        total=sdr.cost.total,
        energy_kwh=sdr.total_energy,
        time_h=sdr.total_time,
        parking_h=sdr.total_parking_time,
    )
    return audit(
        MeasuredSession(start=sdr.start, end=sdr.end, periods=sdr.periods),
        terms.tariffs,
        claims,
        time_zone=ZoneInfo(zone) if zone else None,
        options=terms.options,
    )


# -- UC3-9: never changed


@dataclass(frozen=True)
class Resubmitted:
    """What the home-CSP kept before, after the same SDR again, and after one with another total."""

    before: tuple[KeptSdr, ...]
    same_again: str
    after_same: tuple[KeptSdr, ...]
    changed: str
    after_changed: tuple[KeptSdr, ...]


async def _resubmit(ground: Ground) -> Resubmitted:
    context = ground.member.platform.context
    partner = context.partners.speaking_for(ground.network.home.context.party)
    if partner is None:
        raise NotFound("the visited-CSO is not connected with the home-CSP", code="not_connected")
    (kept,) = _at_operator(ground, await ground.both())
    before = _at_home(ground)
    same_again = await _submitted(context, partner, Held(kept.sdr, kept.body))
    after_same = _at_home(ground)
    other = _dearer(kept.sdr)
    changed = await _submitted(context, partner, Held(other, context.writer.sdr(other)))
    return Resubmitted(before, same_again, after_same, changed, _at_home(ground))


async def _submitted(context: OperatorContext, partner: Partner, held: Held[Sdr]) -> str:
    try:
        await context.calls.submit_sdr(partner, held)
    except EvroamError as error:
        return f"refused ({error.message})"
    return "accepted"


def _dearer(sdr: Sdr) -> Sdr:
    total = sdr.cost.total
    dearer = Price(
        before_taxes=total.before_taxes + 1,
        with_taxes=None if total.with_taxes is None else total.with_taxes + 1,
    )
    return sdr.model_copy(update={"cost": sdr.cost.model_copy(update={"total": dearer})})


def _check_resubmitted(seen: Resubmitted) -> Sequence[Finding]:
    return [
        Finding(
            expected="the same SDR again accepted, nothing changed",
            actual=f"the same SDR again {seen.same_again}, {_unchanged(seen.before, seen.after_same)}",
            holds=seen.same_again == "accepted" and seen.before == seen.after_same,
        ),
        Finding(
            expected="the same id with another total refused, nothing changed",
            actual=f"the same id with another total {seen.changed}, {_unchanged(seen.before, seen.after_changed)}",
            holds=seen.changed.startswith("refused") and seen.before == seen.after_changed,
        ),
    ]


def _unchanged(before: tuple[KeptSdr, ...], after: tuple[KeptSdr, ...]) -> str:
    return "nothing changed" if before == after else "what is kept has changed"


# -- 5.4.3


@dataclass(frozen=True)
class Logged:
    """All that the platforms have logged, and what must not be in it, by what it is."""

    entries: tuple[LogEntry, ...]
    secrets: dict[str, frozenset[str]]


async def _look_through_logs(ground: Ground) -> Logged:
    driver, login = ground.network.demo.driver, ground.client.login
    secrets = {
        "card UID": frozenset(driver.cards),
        # Four digits stand in many a figure: the PIN would be a member of its own.
        "PIN": frozenset({f'"{driver.pin}"', '"pin":'}),
        "credential uid or contract id": frozenset(ground.logs.personal()),
        "token of a platform": frozenset(ground.logs.tokens()),
        "login of the driver": frozenset({login.token} if login else ()),
    }
    return Logged(tuple(await ground.logs.entries()), secrets)


def _check_logs(seen: Logged) -> Sequence[Finding]:
    platforms = {entry.platform for entry in seen.entries}
    findings = [
        Finding(
            expected="every platform has logged its messages",
            actual=f"{len(seen.entries)} entries of {len(platforms)} platforms",
            holds=len(platforms) > 1,
        )
    ]
    for what, secrets in seen.secrets.items():
        held = sum(any(secret in text for text in entry.texts for secret in secrets) for entry in seen.entries)
        findings.append(
            Finding(
                expected=f"no {what} in any of them",
                actual=f"no {what}" if held == 0 else f"a {what} in {held} of them",
                holds=bool(secrets) and held == 0,
            )
        )
    return findings


_SDRS = frozenset({"POST cdrs"})

BILLING = (
    Step(
        name="sdr",
        use_case="UC3-9",
        what="The SDR is sent and taken",
        sender=Actor.VISITED_CSO,
        receiver=Actor.HOME_CSP,
        expected="one SDR of the same content at both platforms",
        perform=_receive,
        check=_check_sent,
        wire=_SDRS,
    ),
    Step(
        name="bill",
        use_case="UC3-9",
        what="The SDR is audited, the driver billed",
        sender=Actor.HOME_CSP,
        receiver=Actor.DRIVER,
        expected="the SDR agrees with the frozen tariff, the receipt with the SDR",
        perform=_bill,
        check=_check_billed,
    ),
    Step(
        name="resubmit",
        use_case="UC3-9",
        what="The SDR is sent again, then with another total",
        sender=Actor.VISITED_CSO,
        receiver=Actor.HOME_CSP,
        expected="the same again is accepted, other content refused, nothing changes",
        perform=_resubmit,
        check=_check_resubmitted,
        wire=_SDRS,
    ),
    Step(
        name="privacy",
        use_case="5.4.3",
        what="The message logs are looked through",
        sender=Actor.HOME_CSP,
        receiver=Actor.VISITED_CSO,
        expected="no card UID, credential, contract id, PIN or token in any message logged",
        perform=_look_through_logs,
        check=_check_logs,
    ),
)
"""In the order in which they happen."""
