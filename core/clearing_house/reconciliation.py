"""SDR reconciliation (6.4.2): three witnesses set side by side, every SDR judged, every deadline kept."""

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row

from core.clearing_house.clearing import Clearing, micros
from core.clearing_house.discrepancies import meter_discrepancies, worded
from core.clearing_house.judgements import Judgement, Missing, approve_due, keep
from core.clearing_house.matching import Found, Matched, match
from core.clearing_house.signed_meter import evidence_of
from core.clearing_house.witnesses import Kept, gather
from core.errors import EvroamError
from core.model.clearing.checks import Checked, check
from core.model.clearing.discrepancies import Discrepancy, DiscrepancyClass, Severity
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdicts import Outcome, judged


@dataclass(frozen=True)
class Reconciliation:
    """What a run came to: SDRs judged, sessions without SDR, SDRs that the clock has approved."""

    judgements: tuple[Judgement, ...] = ()
    missing: tuple[Missing, ...] = ()
    approved: tuple[str, ...] = ()


async def reconcile(clearing: Clearing, day: date | None = None) -> Reconciliation:
    """Judge every SDR that is not final (day: of this local day alone), and let the clock approve what is due.

    Run twice, it finds the same and changes nothing.
    """
    now = clearing.clock.now()
    kept = await clearing.store.read_async(lambda connection: gather(connection, now, day))
    matched = await asyncio.to_thread(match, kept.witnesses, micros(now))
    judgements, missing = await asyncio.to_thread(_judge_all, clearing, kept, matched)
    await clearing.store.write(lambda connection: keep(connection, kept, judgements, missing, now))
    approved = await clearing.store.write(lambda connection: approve_due(connection, clearing.reader, now))
    return Reconciliation(tuple(judgements), tuple(missing), tuple(approved))


def _judge_all(clearing: Clearing, kept: Kept, matched: Matched) -> tuple[list[Judgement], list[Missing]]:
    by_key: dict[str, list[Found]] = defaultdict(list)
    for one in matched.found:
        by_key[one.key].append(one)
    wanted = [row.key for row in kept.witnesses.sdrs if row.judged]
    judgements = [_judge(clearing, kept, matched, by_key.pop(key, []), key) for key in wanted]
    missing = [
        Missing(one.key, worded(one))
        for one in matched.found
        if one.kind is DiscrepancyClass.D03 and kept.concerns(one.key)
    ]
    return judgements, missing


def _judge(clearing: Clearing, kept: Kept, matched: Matched, found: list[Found], key: str) -> Judgement:
    row = kept.sdrs[key]
    session, rule = matched.pairs.get(key, (None, None))
    terms = kept.terms_of(row)
    checked = _checked(clearing, row, terms, kept, session)
    by_class = {one.kind: worded(one, row.currency) for one in found}
    for other in checked.found:
        known = by_class.get(other.kind)
        by_class[other.kind] = other if known is None else _both(known, other)
    all_found = tuple(by_class[kind] for kind in sorted(by_class))
    released = frozenset(DiscrepancyClass(one) for one in json.loads(row.released))
    return Judgement(key, Outcome(row.outcome), judged(all_found, released), all_found, checked.remarks, session, rule)


def _checked(clearing: Clearing, row: Row[Any], terms: ClearingTerms, kept: Kept, session: str | None) -> Checked:
    try:
        sdr = clearing.reader.sdr(row.body)
    except EvroamError:
        return Checked()
    found = check(sdr, terms, kept.sessions.get(session or ""))
    meter = meter_discrepancies(sdr, evidence_of(sdr.signed_data), terms)
    return Checked((*found.found, *meter), found.remarks)


def _both(one: Discrepancy, other: Discrepancy) -> Discrepancy:
    heavier = min(one.severity, other.severity, key=list(Severity).index)
    return one.model_copy(update={"severity": heavier, "reason": f"{one.reason} {other.reason}"})
