"""SDRs as people at an admin API see them, the same at both sides: those that need somebody first, then the newest."""

from sqlalchemy import Connection, Select

from core.admin_messages import ClearedSdr, SdrLine
from core.model.clearing.verdict import SdrVerdict
from core.model.parties import ObjectKey
from core.store.heard import load_heard
from core.store.sdr_verdicts import load_verdict

_SETTLED = {"ACCEPTED", "RECEIVED", "SUBMITTED"}
_MOST = 500


def sdr_lines(connection: Connection, query: Select[str]) -> tuple[SdrLine, ...]:
    """The rows of a query over the table of SDRs."""
    rows = connection.execute(query.order_by(None).limit(_MOST)).all()
    lines = []
    for row in rows:
        key = ObjectKey(country_code=row.country_code, party_id=row.party_id, id=row.id)
        verdict = load_verdict(connection, key)
        lines.append(
            SdrLine(
                key=str(key),
                kind=row.kind,
                session=row.session_id or "",
                started_at=row.started_at,
                energy_kwh=row.energy,
                currency=row.currency,
                total_before_taxes=row.total_before_taxes,
                judgement=row.verdict,
                told=None if verdict is None else verdict.state,
                steps=() if verdict is None else verdict.steps,
                cleared=_cleared(load_heard(connection, key)),
            )
        )
    return tuple(sorted(lines, key=lambda one: (one.judgement in _SETTLED, -one.started_at.timestamp(), one.key)))


def _cleared(heard: SdrVerdict | None) -> ClearedSdr | None:
    if heard is None:
        return None
    return ClearedSdr(
        outcome=heard.outcome,
        codes=tuple(one.kind for one in heard.discrepancies),
        reasons=tuple(one.reason for one in heard.discrepancies),
        batch_id=heard.batch_id,
    )
