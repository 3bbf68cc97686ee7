"""How long revocations take (UC4-2): from the home-CSP's word to the moment from which a visited-CSO goes by it.

Both sides write down each: the home-CSP when a visited-CSO has taken it, the visited-CSO when it is on its list.
"""

from collections import defaultdict
from datetime import datetime, timedelta

from pydantic import BaseModel
from sqlalchemy import Connection, select

from core.admin_messages import RevocationState
from core.model.credentials import Credential
from core.model.display import last_four
from core.store.engine import append_event
from core.store.json_text import json_value
from core.store.tables import event

STREAM = "revocations"
_LOOKED_AT = 200


class _Noted(BaseModel):
    partner_id: str
    contract_id: str
    credential: str
    issued_at: datetime


def note_revocation(connection: Connection, partner_id: str, credential: Credential, in_force_at: datetime) -> None:
    """Write down that a revocation is in force; in the caller's transaction."""
    append_event(
        connection,
        stream=STREAM,
        kind="revocation_in_force",
        at=in_force_at,
        body=_Noted(
            partner_id=partner_id,
            contract_id=credential.contract_id,
            credential=last_four(credential.uid),
            issued_at=credential.last_updated,
        ),
    )


def revocation_states(connection: Connection) -> dict[str, RevocationState]:
    """By partner, the latest revocation and the slowest of the last ones."""
    query = (
        select(event.c.at, event.c.body)
        .where(event.c.stream == STREAM)
        .order_by(event.c.sequence.desc())
        .limit(_LOOKED_AT)
    )
    taken: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in connection.execute(query):
        noted = _Noted.model_validate(json_value(row.body))
        taken[noted.partner_id].append((noted.issued_at, row.at))
    return {
        partner_id: RevocationState(
            issued_at=found[0][0],
            in_force_at=found[0][1],
            slowest=max(max(in_force - issued, timedelta()) for issued, in_force in found),
        )
        for partner_id, found in taken.items()
    }
