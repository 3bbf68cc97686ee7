"""Answers to visited-CSOs that ask about a credential (UC4-1), and the grants by which sessions that come are known.

Who may ask may also guess: an unknown credential is always answered alike, and a partner that asks for too many unknown
ones learns nothing more for a while.
"""

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from sqlalchemy import Connection, Row, func, select, update

from core.clock import WallClock
from core.endpoint.partner import Partner
from core.endpoint.ports import Authorisation, AuthorisationRequest, AuthorisationVerdict, Held
from core.errors import InvalidInput, Refused
from core.home_csp.context import Context
from core.home_csp.contracts import ContractStatus, status_now
from core.model.credentials import Credential, CredentialKind
from core.model.identifiers import ContractId, RfidUid
from core.model.services import Service
from core.model.session import OPEN
from core.model.sites import Status
from core.store.identification_tables import authorisation as granted
from core.store.tables import contract, credential, service_session
from core.store.tables import site as site_table

log = structlog.get_logger(__name__)

OPEN_SESSIONS = 3
"""How many sessions a contract may have open before a station is told no [J]: cards can be copied."""

UNKNOWN_AT_MOST = 300
UNKNOWN_WITHIN = timedelta(minutes=10)
"""So many unknown credentials a partner may ask for in so long [J]; then every answer is the same refusal."""

SESSION_WITHIN = timedelta(hours=24)
"""How long after a grant a session may name no reference and still be taken for it [J]."""

_WHY = {
    ContractStatus.BLOCKED: (AuthorisationVerdict.BLOCKED, "The contract is blocked"),
    ContractStatus.NO_CREDIT: (AuthorisationVerdict.NO_CREDIT, "The contract has no credit left"),
    ContractStatus.EXPIRED: (AuthorisationVerdict.EXPIRED, "The contract has ended"),
}
_NOT_HERE = AuthorisationVerdict.NOT_ALLOWED
_wall = WallClock()


class Authoriser:
    """Implements the endpoint's Authoriser."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._unknown: defaultdict[str, deque[datetime]] = defaultdict(deque)

    async def authorise(self, partner: Partner, request: AuthorisationRequest) -> Authorisation | None:
        """Whether the credential may charge there; None where it is unknown. Opening hours and status are not judged.

        Raises Refused while the partner has asked for too many unknown ones.
        """
        self._must_not_guess(partner)
        answer = await self._context.store.write(lambda connection: self._answer(connection, partner, request))
        if answer is None:
            self._unknown[partner.id].append(_wall.now())
        return answer

    def _must_not_guess(self, partner: Partner) -> None:
        asked, since = self._unknown[partner.id], _wall.now() - UNKNOWN_WITHIN
        while asked and asked[0] < since:
            asked.popleft()
        if len(asked) >= UNKNOWN_AT_MOST:
            log.error("credentials_guessed", partner=partner.id, unknown=len(asked))
            raise Refused("Too many unknown credentials were asked for", code="too_many_unknown")

    def _answer(self, connection: Connection, partner: Partner, request: AuthorisationRequest) -> Authorisation | None:
        found = own_credential(connection, self._context, request.uid, request.kind)
        if found is None:
            return None
        held = Held(found.credential, found.body)
        verdict, why = self._verdict(connection, partner, found)
        if verdict is not AuthorisationVerdict.ALLOWED:
            return Authorisation(verdict, held, message=why)
        evse_uids = _where(connection, self._context, partner, request, found.credential)
        if evse_uids is None:
            return Authorisation(_NOT_HERE, held, message="Not at this place")
        reference = self._grant(connection, partner, found)
        return Authorisation(verdict, held, authorization_reference=reference, evse_uids=evse_uids)

    def _verdict(
        self, connection: Connection, partner: Partner, found: "OwnCredential"
    ) -> tuple[AuthorisationVerdict, str]:
        row = found.contract
        status = ContractStatus.BLOCKED if row is None else status_now(row, self._context.clock.now())
        if status in _WHY:
            return _WHY[status]
        if not found.credential.valid:
            return AuthorisationVerdict.BLOCKED, "The card is blocked"
        if (why := partner.agreement.why_not(Service.LOCAL_START, self._context.endpoint.now())) is not None:
            return _NOT_HERE, f"Our agreement {why}"
        if _open_sessions(connection, self._context, found.contract_key) >= OPEN_SESSIONS:
            return _NOT_HERE, "The contract is in use elsewhere"
        return AuthorisationVerdict.ALLOWED, ""

    def _grant(self, connection: Connection, partner: Partner, found: "OwnCredential") -> str:
        reference, party = str(uuid4()), self._context.party
        connection.execute(
            granted.insert().values(
                country_code=party.country_code,
                party_id=party.party_id,
                id=reference,
                partner_id=partner.id,
                contract_id=found.contract_key,
                credential_uid=found.credential.uid,
                credential_kind=found.credential.kind,
                given_at=self._context.clock.now(),
                body="",
            )
        )
        return reference


@dataclass(frozen=True)
class OwnCredential:
    """A credential that we issued, as it is kept, with its contract's row."""

    credential: Credential
    body: str
    contract_key: str
    contract: Row[tuple[object, ...]] | None


def own_credential(connection: Connection, context: Context, uid: str, kind: CredentialKind) -> OwnCredential | None:
    """The credential that was asked about, in any spelling that readers give a card's number."""
    query = select(credential.c.body).where(
        credential.c.partner_id.is_(None),
        credential.c.uid.in_(_spellings(uid, kind)),
        credential.c.kind.in_(_kinds(kind)),
    )
    body = connection.execute(query).scalars().first()
    if body is None:
        return None
    found = context.reader.credential(body)
    key = ContractId.parse(found.contract_id).key
    return OwnCredential(found, body, key, connection.execute(select(contract).where(contract.c.id == key)).first())


def use_grant(
    connection: Connection,
    context: Context,
    partner: Partner,
    found: Credential,
    reference: str | None,
    session_id: str,
) -> bool:
    """Whether we allowed this partner a session of this credential, and note which session that is.

    By the reference; a partner that repeats none is taken to mean its last grant for the credential that is not used.
    """
    party = context.party
    mine = (granted.c.country_code == party.country_code, granted.c.party_id == party.party_id)
    query = select(granted.c.id).where(
        *mine,
        granted.c.partner_id == partner.id,
        granted.c.credential_uid == found.uid,
        granted.c.credential_kind == found.kind,
        granted.c.session_id.is_(None),
    )
    if reference is not None:
        query = query.where(granted.c.id == reference)
    else:
        since = context.clock.now() - SESSION_WITHIN
        query = query.where(granted.c.given_at >= since).order_by(granted.c.given_at.desc())
    id = connection.execute(query).scalars().first()
    if id is None:
        return False
    connection.execute(update(granted).where(*mine, granted.c.id == id).values(session_id=session_id))
    return True


def _spellings(uid: str, kind: CredentialKind) -> tuple[str, ...]:
    if kind is CredentialKind.RFID:
        try:
            return RfidUid.parse(uid).spellings
        except InvalidInput:
            return (uid.upper(),)
    return (uid, uid.upper(), uid.lower())


def _kinds(kind: CredentialKind) -> tuple[CredentialKind, ...]:
    """An EMAID goes as OTHER where the wire has no word for it."""
    return (kind, CredentialKind.EMAID) if kind is CredentialKind.OTHER else (kind,)


def _where(
    connection: Connection, context: Context, partner: Partner, request: AuthorisationRequest, asked: Credential
) -> tuple[str, ...] | None:
    """At which of the EVSEs asked about it holds; None: at none. A site that we do not know yet hinders nobody."""
    query = select(site_table.c.body).where(
        site_table.c.partner_id == partner.id, site_table.c.id == (request.site_id or "")
    )
    body = connection.execute(query).scalars().first()
    if body is None:
        return request.evse_uids
    site = context.reader.site(body)
    if not site.may_be_shown_to(asked):
        return None
    known = [(uid, site.find_equipment(uid)) for uid in request.evse_uids]
    usable = tuple(uid for uid, one in known if one is not None and one.status is not Status.REMOVED)
    return usable if usable or not request.evse_uids else None


def _open_sessions(connection: Connection, context: Context, contract_key: str) -> int:
    columns = service_session.c
    query = select(func.count()).where(
        columns.country_code == context.party.country_code,
        columns.party_id == context.party.party_id,
        columns.contract_id == contract_key,
        columns.state.in_(OPEN),
    )
    return connection.execute(query).scalar_one()
