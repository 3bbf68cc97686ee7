"""Start and stop charging at the EV supply equipment itself (UC3-1): a card is held to it, a code is typed.

`LocalStart.begin` takes a grant and an EVSE, whatever the driver or vehicle identified by; nothing in it is of cards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid4, uuid5

import structlog
from sqlalchemy import Connection, func, select, update

from core.endpoint.contract_certificates import TrustAnchors
from core.endpoint.lock_out import LockOut
from core.endpoint.partner import Partner
from core.endpoint.ports import CommandKind, CommandResult
from core.model.authorisation import LocalOutcome
from core.model.credentials import CredentialKind
from core.model.display import last_four
from core.model.identification import IdentificationMethodType
from core.model.plug_and_charge import ContractEvidence
from core.model.reserving import may_use
from core.model.session import OPEN, ServiceSession, SessionState, change, opened
from core.model.sites import Connector, EvSupplyEquipment, Site, Status
from core.store import tables
from core.store.engine import append_event
from core.store.identification_tables import local_identification as table
from core.store.sessions import load_open, load_open_at
from core.visited_cso.agreed import may_begin
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.asking import ask_to_start, conclude
from core.visited_cso.energy_transfer.commanded import commanded_grant
from core.visited_cso.energy_transfer.opening import new_session
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.energy_transfer.start import unfinished_commands
from core.visited_cso.energy_transfer.stop import StopCommands
from core.visited_cso.equipment import CardPresented, CodeEntered, ContractPresented, EquipmentEvent
from core.visited_cso.grant import Grant, Presented
from core.visited_cso.identification import Identification, Place
from core.visited_cso.plug_and_charge import PlugAndCharge, presented_by_vehicle
from core.visited_cso.sites import load_site
from core.visited_cso.tariffs import contract_tariff

log = structlog.get_logger(__name__)

GOOD_FOR = timedelta(seconds=60)
"""How old a presented card may be when its station reports it: later nobody stands there any more [J]."""

SESSIONS_PER_CREDENTIAL = 1
"""How many sessions one credential may have open with us: a second card-holder is a copied card [J]."""

_OUT_OF_SERVICE = {Status.OUTOFORDER, Status.INOPERATIVE, Status.REMOVED, Status.PLANNED}


@dataclass(frozen=True)
class _Attempt:
    id: str
    evse_uid: str
    presented: Presented
    at: datetime
    connector_id: str | None = None
    evidence: ContractEvidence | None = None


@dataclass(frozen=True)
class Conclusion:
    """What came of an attempt; session_id where one began or stopped."""

    outcome: LocalOutcome
    session_id: str | None = None
    grant: Grant | None = None


class LocalStart:
    """Hears what is presented at stations, and begins or ends sessions there."""

    def __init__(self, context: Context, stop: StopCommands, anchors: Callable[[], TrustAnchors]) -> None:
        """anchors: what contract certificates of vehicles have to lead to."""
        self._context = context
        self._stop = stop
        self._wrong_codes = LockOut()
        self.identification = Identification(context)
        self._plug_and_charge = PlugAndCharge(context, self.identification, anchors)

    async def heard(self, event: EquipmentEvent) -> None:
        """Take down that something was presented, once; who it is is found out afterwards."""
        connector_id, evidence = None, None
        match event:
            case CardPresented():
                presented = Presented(event.uid)
            case ContractPresented():
                presented = presented_by_vehicle(event.emaid)
                evidence = ContractEvidence(emaid=event.emaid, chain=event.chain, protocol=event.protocol)
                connector_id = event.connector_id
            case CodeEntered():
                presented = Presented(event.code, IdentificationMethodType.PIN)
            case _:
                return
        id = str(uuid5(NAMESPACE_URL, f"{event.evse_uid}/{event.moment.isoformat()}/{presented.uid}"))
        attempt = _Attempt(id, event.evse_uid, presented, event.moment, connector_id, evidence)
        if await self._context.store.write(lambda connection: self._take_down(connection, attempt)):
            self._context.tasks.begin(self._attempt(attempt))

    async def begin(self, grant: Grant, evse_uid: str, connector_id: str | None = None) -> Conclusion:
        """Open a session on a grant and ask the station for it; connector_id None: whichever is plugged in."""
        context = self._context
        refused, session_id = await context.store.write(
            lambda connection: self._open(connection, grant, evse_uid, connector_id)
        )
        if refused is not None:
            return Conclusion(refused, grant=grant)
        state = await self._ask(session_id)
        if state not in {SessionState.AUTHORISED, SessionState.ACTIVE}:
            return Conclusion(LocalOutcome.STATION_REFUSED, session_id, grant)
        return Conclusion(LocalOutcome.STARTED, session_id, grant)

    def resume(self) -> None:
        """Ask stations again for what they had not answered when the program ended."""
        context = self._context
        with context.store.read() as connection:
            commanded = {one.session_id for one in unfinished_commands(connection, CommandKind.START_SESSION)}
            kept = load_open(connection, context.party)
        for one in kept:
            if one.session.state is SessionState.AUTHORISING and one.session.id not in commanded:
                context.tasks.begin(self._ask_again(one.session.id))

    async def _ask_again(self, session_id: str) -> None:
        await self._ask(session_id)

    async def _ask(self, session_id: str) -> SessionState | None:
        context = self._context
        result, message = await ask_to_start(context, session_id)
        if result is not CommandResult.ACCEPTED:
            log.info("local_start_refused", session=session_id, result=result, message=message)
        session = await context.store.write(
            lambda connection: conclude(connection, context, session_id, result, message)
        )
        return None if session is None else session.state

    async def _attempt(self, attempt: _Attempt) -> None:
        context = self._context
        if context.clock.now() - attempt.at > GOOD_FOR:
            conclusion = Conclusion(LocalOutcome.TOO_LATE)
        else:
            conclusion = await self._conclusion(attempt)
        await context.store.write(lambda connection: self._record(connection, attempt, conclusion))
        outcome = conclusion.outcome
        await context.equipment.answer(attempt.evse_uid, outcome, accepted=outcome.is_accepted)

    async def _conclusion(self, attempt: _Attempt) -> Conclusion:
        context, presented = self._context, attempt.presented
        with context.store.read() as connection:
            site = site_of(connection, context, attempt.evse_uid)
            holding = load_open_at(connection, context.party, attempt.evse_uid)
            commanded = commanded_grant(connection, context, attempt.evse_uid, attempt.presented, attempt.at)
        if site is None:
            return Conclusion(LocalOutcome.INOPERATIVE)
        place = Place(site.id, attempt.evse_uid)
        if holding and holding[0].session.state is not SessionState.RESERVED:
            if attempt.evidence is not None:
                return _still_plugged(holding[0].session, presented)
            return await self._end(holding[0].session, holding[0].partner_id, presented, place)
        if self._is_locked(attempt):
            return Conclusion(LocalOutcome.LOCKED)
        if commanded is not None and self._is_revoked(presented):
            commanded = None
        identified = commanded or await self._identified(attempt, place)
        self._count(attempt, identified)
        if isinstance(identified, LocalOutcome):
            return Conclusion(identified)
        return await self.begin(identified, attempt.evse_uid, attempt.connector_id)

    async def _identified(self, attempt: _Attempt, place: Place) -> Grant | LocalOutcome:
        if attempt.evidence is not None:
            return await self._plug_and_charge.identify(attempt.evidence, place)
        return await self.identification.identify(attempt.presented, place)

    async def _end(
        self, session: ServiceSession, partner_id: str | None, presented: Presented, place: Place
    ) -> Conclusion:
        """Stop the session that holds the EVSE, if this credential may: the same, or one of its group."""
        if not presented.is_of(session.credential_uid, session.credential_kind):
            group = session.credential_group
            if group is None or partner_id is None:
                return Conclusion(LocalOutcome.OTHER_CREDENTIAL)
            theirs = await self.identification.group_of(presented, place, partner_id)
            if theirs is None or theirs.casefold() != group.casefold():
                return Conclusion(LocalOutcome.OTHER_CREDENTIAL)
        await self._stop.stop_locally(session.id)
        return Conclusion(LocalOutcome.STOPPED, session.id)

    def _open(
        self, connection: Connection, grant: Grant, evse_uid: str, connector_id: str | None
    ) -> tuple[LocalOutcome | None, str]:
        context = self._context
        site = site_of(connection, context, evse_uid)
        equipment = site.find_equipment(evse_uid) if site else None
        connector = _connector(equipment, connector_id) if equipment else None
        refused = self._problem(connection, grant, site, equipment, connector)
        if refused is not None or site is None or equipment is None or connector is None:
            return refused or LocalOutcome.INOPERATIVE, ""
        reserved = load_open_at(connection, context.party, equipment.uid)
        session = (
            _on_reservation(reserved[0].session, grant, connector)
            if reserved
            else opened(self._session(connection, grant, site, equipment, connector), actor="driver")
        )
        keep(connection, context, session, grant.partner_id)
        return None, session.id

    def _problem(
        self,
        connection: Connection,
        grant: Grant,
        site: Site | None,
        equipment: EvSupplyEquipment | None,
        connector: Connector | None,
    ) -> LocalOutcome | None:
        context = self._context
        if site is None or equipment is None or connector is None or equipment.status in _OUT_OF_SERVICE:
            return LocalOutcome.INOPERATIVE
        if not grant.holds_at(equipment.uid):
            return LocalOutcome.NOT_ALLOWED
        for holding in load_open_at(connection, context.party, equipment.uid):
            if holding.session.state is not SessionState.RESERVED:
                return LocalOutcome.OTHER_CREDENTIAL
            return None if may_use(holding.session, grant.payer, grant.group_id) else LocalOutcome.RESERVED
        if _open_sessions(connection, context, grant) >= SESSIONS_PER_CREDENTIAL:
            return LocalOutcome.TOO_MANY_SESSIONS
        partner = self._partner(grant)
        tariffs = contract_tariff(connection, context, connector.tariff_ids, context.clock.now())
        if not may_begin(context, partner, site, tariffs, grant.payer.kind):
            return LocalOutcome.NOT_ALLOWED
        return None

    def _partner(self, grant: Grant) -> Partner | None:
        return next((one for one in self._context.home_csps() if one.id == grant.partner_id), None)

    def _session(
        self, connection: Connection, grant: Grant, site: Site, equipment: EvSupplyEquipment, connector: Connector
    ) -> ServiceSession:
        context, partner = self._context, self._partner(grant)
        tariffs = contract_tariff(connection, context, connector.tariff_ids, context.clock.now())
        return change(
            new_session(context, str(uuid4()), grant.payer, grant.method, site, equipment, connector, tariffs),
            authorization_reference=grant.reference,
            credential_group=grant.group_id,
            offline_authorised=grant.offline,
            pricing=partner.agreement.pricing if partner else None,
            agreement=partner.agreement.reference if partner else None,
        )

    def _is_revoked(self, presented: Presented) -> bool:
        return any(not one.credential.valid for one in self.identification.listed(presented))

    def _is_locked(self, attempt: _Attempt) -> bool:
        if attempt.presented.kind is not CredentialKind.OTHER:
            return False
        return bool(self._wrong_codes.seconds_left(attempt.evse_uid, self._context.clock.now()))

    def _count(self, attempt: _Attempt, identified: Grant | LocalOutcome) -> None:
        """Codes can be guessed, cards cannot: five wrong ones lock the keypad for a while."""
        if attempt.presented.kind is not CredentialKind.OTHER:
            return
        if isinstance(identified, Grant):
            self._wrong_codes.succeeded(attempt.evse_uid)
        elif identified in {LocalOutcome.UNKNOWN, LocalOutcome.UNREADABLE}:
            self._wrong_codes.failed(attempt.evse_uid, self._context.clock.now())

    def _take_down(self, connection: Connection, attempt: _Attempt) -> bool:
        """False where it has been taken down before: stations report at least once."""
        party = self._context.party
        known = select(table.c.id).where(
            table.c.country_code == party.country_code, table.c.party_id == party.party_id, table.c.id == attempt.id
        )
        if connection.execute(known).first() is not None:
            return False
        connection.execute(
            table.insert().values(
                country_code=party.country_code,
                party_id=party.party_id,
                id=attempt.id,
                evse_uid=attempt.evse_uid,
                at=attempt.at,
                outcome=LocalOutcome.ASKED,
                body="",
            )
        )
        return True

    def _record(self, connection: Connection, attempt: _Attempt, conclusion: Conclusion) -> None:
        party, grant = self._context.party, conclusion.grant
        connection.execute(
            update(table)
            .where(table.c.country_code == party.country_code, table.c.party_id == party.party_id)
            .where(table.c.id == attempt.id)
            .values(
                outcome=conclusion.outcome,
                partner_id=None if grant is None else grant.partner_id,
                session_id=conclusion.session_id,
                body=last_four(attempt.presented.uid) if attempt.presented.kind is CredentialKind.RFID else "",
            )
        )
        append_event(
            connection,
            stream=f"evse/{attempt.evse_uid}",
            kind="identification",
            at=self._context.clock.now(),
            body={"attempt": attempt.id, "outcome": conclusion.outcome, "session": conclusion.session_id},
        )


def _still_plugged(session: ServiceSession, presented: Presented) -> Conclusion:
    """A vehicle says its contract again, as after a pause: its own session goes on, another's is not touched."""
    own = presented.is_of(session.credential_uid, session.credential_kind)
    return Conclusion(LocalOutcome.STARTED if own else LocalOutcome.OTHER_CREDENTIAL, session.id if own else None)


def site_of(connection: Connection, context: Context, evse_uid: str) -> Site | None:
    """The site of ours at which an EVSE is."""
    evse = tables.evse.c
    site_id = connection.execute(
        select(evse.site_id).where(
            evse.country_code == context.party.country_code,
            evse.party_id == context.party.party_id,
            evse.uid == evse_uid,
        )
    ).scalar()
    return None if site_id is None else load_site(connection, context, site_id)


def _on_reservation(session: ServiceSession, grant: Grant, connector: Connector) -> ServiceSession:
    """The reservation that this start uses (UC3-8), with what now names the driver, the connector and the grant."""
    return change(
        session,
        authorization_reference=grant.reference or session.authorization_reference,
        contract_id=grant.payer.contract_id,
        credential_uid=grant.payer.uid,
        credential_kind=grant.payer.kind,
        credential_group=grant.group_id,
        identification=grant.method,
        offline_authorised=grant.offline,
        connector_id=connector.id,
    )


def _connector(equipment: EvSupplyEquipment, id: str | None) -> Connector | None:
    """The connector that is named, else the first: which one it really is, the station says when the cable is in."""
    if id is None:
        return next(iter(equipment.connectors), None)
    return next((one for one in equipment.connectors if one.id == id), None)


def _open_sessions(connection: Connection, context: Context, grant: Grant) -> int:
    session = tables.service_session.c
    query = select(func.count()).where(
        session.country_code == context.party.country_code,
        session.party_id == context.party.party_id,
        session.partner_id == grant.partner_id,
        session.credential_uid == grant.payer.uid,
        session.state.in_(OPEN),
    )
    return connection.execute(query).scalar_one()
