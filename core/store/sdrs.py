"""Service detail records at rest: written once, never changed but for the verdict on them."""

from sqlalchemy import Connection, bindparam, insert, select

from core.errors import Refused
from core.model.sdr import Sdr
from core.store.prepared import Prepared
from core.store.tables import sdr as table

# Run with every SDR that comes or goes.
_INSERT = Prepared(insert(table))
_HASH = Prepared(
    select(table.c.content_hash).where(
        table.c.country_code == bindparam("country_code"),
        table.c.party_id == bindparam("party_id"),
        table.c.id == bindparam("id"),
    )
)


def insert_sdr(
    connection: Connection,
    sdr: Sdr,
    body: str,
    *,
    content_hash: str,
    partner_id: str | None,
    verdict: str,
    contract_key: str | None = None,
) -> bool:
    """Keep an SDR with the JSON text it has on the wire; False where the same content stands there already.

    Raises Refused (replay_conflict) where another content stands under the id.
    """
    key = {"country_code": sdr.issuer.country_code, "party_id": sdr.issuer.party_id, "id": sdr.id}
    known = _HASH.scalar(connection, key)
    if known is not None:
        if known == content_hash:
            return False
        raise Refused(
            f"SDR {sdr.id} is known with other content; an SDR is never changed",
            code="replay_conflict",
            next_step="Send a credit for it and a new one.",
        )
    values: dict[str, object] = {
        **key,
        "partner_id": partner_id,
        "session_id": sdr.session_id,
        "contract_id": contract_key or sdr.credential.contract_id,
        "kind": sdr.kind,
        "references_id": sdr.references_sdr_id,
        "content_hash": content_hash,
        "currency": sdr.currency,
        "total_before_taxes": sdr.cost.total.before_taxes,
        "total_with_taxes": sdr.cost.total.with_taxes,
        "energy": sdr.total_energy,
        "started_at": sdr.start,
        "ended_at": sdr.end,
        "verdict": verdict,
        "last_updated": sdr.last_updated,
        "body": body,
    }
    _INSERT.execute(connection, values)
    return True
