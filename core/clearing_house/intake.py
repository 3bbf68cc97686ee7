"""Taking witnesses' records in: SDRs once and unchanged, sessions in their newest state (6.4.2)."""

from sqlalchemy import Connection, insert, select, update

from core.clearing_house.clearing import HOUSE, Clearing, terms_between
from core.clearing_house.signed_meter import evidence_of
from core.endpoint.ports import Held
from core.errors import InvalidInput, Refused
from core.model.clearing.records import SessionRecord, Witness
from core.model.clearing.verdicts import Outcome
from core.model.credentials import CredentialReference
from core.model.identifiers import ContractId, EvseId
from core.model.parties import Party
from core.model.sdr import Sdr, SdrKind
from core.store.clearing_tables import clearing_sdr, clearing_session
from core.store.engine import upsert


async def take_sdr(clearing: Clearing, held: Held[Sdr], partner_id: str | None = None) -> bool:
    """Keep an SDR as it came; False where it is kept already.

    Raises NotFound (no_agreement), Refused (replay_conflict) for other content under the same id, InvalidInput for a
    provisional one.
    """
    if held.value.kind is SdrKind.INTERMEDIATE:
        raise InvalidInput("A provisional SDR is not settled.", code="provisional_sdr")
    content_hash = clearing.reader.content_hash(held.body)
    row = _sdr_row(clearing, held, content_hash, partner_id)
    return await clearing.store.write(lambda connection: _keep_sdr(connection, held.value, row))


async def take_session(clearing: Clearing, witness: Witness, record: SessionRecord) -> None:
    """Keep what a witness says of a session, in place of what it said before. Raises NotFound (no_agreement)."""
    row = _session_row(clearing, witness, record)

    def keep(connection: Connection) -> None:
        terms_between(connection, record.visited, record.home)
        upsert(connection, clearing_session, row)

    await clearing.store.write(keep)


def evse_key(evse_id: str | None) -> str | None:
    """An EVSE id as it is compared; None where there is none."""
    if not evse_id or evse_id == "#NA":
        return None
    try:
        return EvseId.parse(evse_id).key
    except InvalidInput:
        return evse_id.upper()


def credential_key(credential: CredentialReference) -> str:
    """Whose contract it is: another credential of the same contract is the same driver's."""
    try:
        contract = ContractId.parse(credential.contract_id).key
    except InvalidInput:
        contract = credential.contract_id.upper()
    return f"{credential.party}/{contract}"


def _keep_sdr(connection: Connection, sdr: Sdr, row: dict[str, object]) -> bool:
    terms_between(connection, sdr.issuer, sdr.payer)
    columns = clearing_sdr.c
    same = (
        columns.country_code == sdr.issuer.country_code,
        columns.party_id == sdr.issuer.party_id,
        columns.id == sdr.id,
    )
    known = connection.execute(select(columns.content_hash).where(*same)).scalar()
    if known is not None:
        if known == row["content_hash"]:
            return False
        raise Refused(
            f"SDR {sdr.id} is known with other content; an SDR is never changed",
            code="replay_conflict",
            next_step="Send a credit for it and a new one.",
        )
    connection.execute(insert(clearing_sdr).values(row))
    if sdr.session_id is not None and sdr.kind is not SdrKind.CREDIT:
        _revise(connection, sdr, row)
    return True


def _revise(connection: Connection, sdr: Sdr, row: dict[str, object]) -> None:
    """What was declined for this session is revised by the new SDR; a duplicate is not, it stays judged as one."""
    columns = clearing_sdr.c
    connection.execute(
        update(clearing_sdr)
        .where(
            columns.country_code == sdr.issuer.country_code,
            columns.party_id == sdr.issuer.party_id,
            columns.session_id == sdr.session_id,
            columns.id != sdr.id,
            columns.kind != SdrKind.CREDIT,
            columns.outcome == Outcome.DECLINED,
            columns.outcome_by != DUPLICATE,
        )
        .values(outcome=Outcome.REVISED, outcome_at=row["received_at"], outcome_by=str(sdr.issuer))
    )


DUPLICATE = f"{HOUSE}: duplicate"
"""Who declined an SDR for nothing but being the second one of its session."""


def _sdr_row(clearing: Clearing, held: Held[Sdr], content_hash: str, partner_id: str | None) -> dict[str, object]:
    sdr, now = held.value, clearing.clock.now()
    meter = evidence_of(sdr.signed_data)
    return {
        **_party("", sdr.issuer),
        "id": sdr.id,
        **_party("payer_", sdr.payer),
        "partner_id": partner_id,
        "session_id": sdr.session_id,
        "authorization_reference": sdr.authorization_reference,
        "evse_key": evse_key(sdr.place.evse_id),
        "credential_key": credential_key(sdr.credential),
        "kind": sdr.kind,
        "references_id": sdr.references_sdr_id,
        "started_at": sdr.start,
        "ended_at": sdr.end,
        "energy": sdr.total_energy,
        "before_taxes": sdr.cost.total.before_taxes,
        "with_taxes": sdr.cost.total.with_taxes,
        "currency": sdr.currency,
        "meter_start": meter.start,
        "meter_end": meter.end,
        "content_hash": content_hash,
        "received_at": now,
        "outcome": Outcome.NEW,
        "outcome_at": now,
        "outcome_by": HOUSE,
        "body": held.body,
    }


def _session_row(clearing: Clearing, witness: Witness, record: SessionRecord) -> dict[str, object]:
    power = record.max_power_kw
    return {
        **_party("visited_", record.visited),
        **_party("home_", record.home),
        "witness": witness,
        "id": record.id,
        "session_id": record.session_id,
        "authorization_reference": record.authorization_reference,
        "evse_key": evse_key(record.evse_id),
        "credential_key": credential_key(record.credential) if record.credential else None,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "energy": record.energy,
        "cost": record.cost,
        "currency": record.currency,
        "authorised": record.authorised,
        "quoted_most": record.quoted_most,
        "revoked_at": record.revoked_at,
        "max_power_w": None if power is None else int(power * 1000),
        "received_at": clearing.clock.now(),
        "body": record.model_dump_json(),
    }


def _party(prefix: str, party: Party) -> dict[str, str]:
    return {f"{prefix}country_code": party.country_code, f"{prefix}party_id": party.party_id}
