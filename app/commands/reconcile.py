"""`evroam reconcile`: set the witnesses of every session side by side at a running clearing house (6.4.2)."""

import json
from collections import Counter
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands import say, say_json
from app.commands.administration import DataOption, JsonOption, with_platform
from core.clearing_messages import (
    ComparedTotals,
    ReconcileReport,
    ReconcileRequest,
    ReleaseRequest,
    RuleRequest,
)
from core.errors import InvalidInput
from core.model.clearing.discrepancies import MEANINGS
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdicts import DisputeState, Outcome
from core.model.display import printable
from core.model.parties import ObjectKey, Party

if TYPE_CHECKING:
    from core.admin_client import AdminClient

CLEARING_HOUSE = "clearing-house"
"""The platform that is meant where no --platform names another."""
HouseOption = Annotated[str, typer.Option(metavar="NAME", help="The clearing house's name in the data folder.")]
_KEYS = {1: "session id", 2: "authorization reference", 3: "EVSE, contract and time"}
STANDS = {
    Outcome.NEW: "held for a person",
    Outcome.ACCEPTED: "accepted, the payer may still decline",
    Outcome.APPROVED: "approved",
    Outcome.DECLINED: "declined",
    Outcome.REVISED: "revised by a newer SDR",
    Outcome.REJECTED: "given up",
}


def reconcile_command(
    data: DataOption = None,
    platform: HouseOption = CLEARING_HOUSE,
    day: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Only SDRs that ended on this local day.")
    ] = None,
    agree: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="First take the terms of a pair from a JSON file.")
    ] = None,
    release: Annotated[
        list[str] | None, typer.Option(metavar="SDR", help="First lift what holds an SDR, like DE*ABC/C1.")
    ] = None,
    rule: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="SDR UPHELD|REJECTED|SPLIT", help="First decide the dispute about an SDR."),
    ] = None,
    part: Annotated[str | None, typer.Option(metavar="AMOUNT", help="What --rule … SPLIT gives back.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Match SDRs with the providers' records and what the clearing house saw, and judge every difference.

    Says what matched, what was found by class with reason and next step, control totals and their roots.
    """
    request = ReconcileRequest(day=read_day(day))
    terms = [_terms(file) for file in agree or ()]
    released = [ReleaseRequest(sdr=_sdr(text)) for text in release or ()]
    ruled = None if rule is None else RuleRequest(sdr=_sdr(rule[0]), state=_state(rule[1]), part=read_amount(part))

    async def work(client: "AdminClient") -> ReconcileReport:
        for one in terms:
            await client.agree_clearing(one)
        for lifted in released:
            await client.release_sdr(lifted)
        if ruled is not None:
            await client.rule_dispute(ruled)
        return await client.reconcile(request)

    report = with_platform(data, platform, work)
    if as_json:
        say_json(json.loads(report.model_dump_json()))
    else:
        say("\n".join(_lines(report)))


def read_day(text: str | None) -> date | None:
    """A day as ISO 8601 writes it. Raises InvalidInput."""
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no time zone
    except ValueError:
        raise InvalidInput(
            f"“{text[:40]}” is not a day.", code="invalid_day", next_step="Write it like 2026-03-02."
        ) from None


def read_amount(text: str | None) -> Decimal | None:
    """An amount above zero. Raises InvalidInput."""
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or not 0 < amount < 10**12:
        raise InvalidInput(
            f"“{text[:40]}” is not an amount above zero.", code="invalid_amount", next_step="Write it like 12.50."
        )
    return amount


def _sdr(text: str) -> ObjectKey:
    party, slash, id = text.partition("/")
    owner = Party.parse(party)
    if not slash or not id or len(id) > 39 or not id.isprintable():
        raise InvalidInput(
            f"“{printable(text[:60])}” names no SDR.", code="invalid_sdr", next_step="Write it like DE*ABC/C1."
        )
    return ObjectKey(country_code=owner.country_code, party_id=owner.party_id, id=id)


def _state(text: str) -> DisputeState:
    if text.upper() not in {"UPHELD", "REJECTED", "SPLIT"}:
        raise InvalidInput(
            f"“{text[:40]}” is no decision.", code="invalid_state", next_step="Write UPHELD, REJECTED or SPLIT."
        )
    return DisputeState(text.upper())


def _terms(file: Path) -> ClearingTerms:
    from pydantic import ValidationError

    try:
        return ClearingTerms.model_validate_json(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read.", code="unreadable_file", next_step="Name a JSON file.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidInput(
            f"{file.name}, {place}: {first['msg']}.",
            code="invalid_terms",
            next_step='Terms have at least id, creditor and debtor, like {"country_code": "DE", "party_id": "ABC"}.',
        ) from None


def _lines(report: ReconcileReport) -> list[str]:
    matched = sum(report.matched.values())
    by = ", ".join(f"{count} by {_KEYS[key]}" for key, count in sorted(report.matched.items()))
    return [
        f"{report.judged} SDRs judged, {matched} matched with the provider's record{f': {by}' if by else ''}.",
        *(f"  {count} {STANDS[outcome]}" for outcome, count in sorted(report.outcomes.items())),
        *([f"{len(report.approved)} approved, as their payers said nothing in time."] if report.approved else []),
        *_by_class(report),
        *(f"{one.sdr} stands: {remark}" for one in report.sdrs for remark in one.remarks),
        *_totals(report.totals),
    ]


def _by_class(report: ReconcileReport) -> list[str]:
    found = [(found, one) for one in report.sdrs for found in one.discrepancies]
    counts = Counter(discrepancy.kind for discrepancy, _ in found)
    if report.missing_count:
        counts[report.missing[0].discrepancy.kind] += report.missing_count
    if not counts:
        return ["No discrepancies."]
    lines = []
    for kind in sorted(counts):
        meaning = MEANINGS[kind]
        lines.append(f"{kind} {meaning.title}: {counts[kind]}. {meaning.next_step}")
        lines += [
            f"  {discrepancy.severity} {one.sdr}, {STANDS[one.outcome]}: {discrepancy.reason}"
            for discrepancy, one in found
            if discrepancy.kind is kind
        ]
        lines += [
            f"  {one.discrepancy.severity} {one.session}: {one.discrepancy.reason}"
            for one in report.missing
            if one.discrepancy.kind is kind
        ]
    return lines


def _totals(totals: tuple[ComparedTotals, ...]) -> list[str]:
    lines = []
    for one in totals:
        it = one.totals
        head = f"{it.day} {it.visited} to {it.home}: {it.count} SDRs, {it.energy} kWh, {it.money} {it.currency}"
        if one.reported_by is None:
            beside = "nobody has sent its own totals"
        elif one.differences:
            beside = f"{one.reported_by} has other figures: {', '.join(one.differences)}"
        else:
            beside = f"{one.reported_by} has the same set"
        lines += [head, f"  root {it.root}; {beside}"]
    return lines
