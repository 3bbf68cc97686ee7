"""Reservation of EV supply equipment at the visited-CSO (UC3-8): held, given back, run out, cancelled by either side.

A home-CSP's reservation id never reaches a station: there it is the id of our own session, so that no home-CSP can
replace or cancel what another has reserved.
"""

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from core.endpoint.partner import Partner
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandReply, CommandResult
from core.errors import Refused
from core.model.credentials import Credential
from core.model.reservations import Canceller, CancelReason, Reservation, check_time
from core.model.reserving import held, terms, with_terms
from core.model.services import Service
from core.model.session import SessionState, move
from core.model.sites import Capability, Site, Status
from core.store.sessions import KeptSession, load, load_open_at, load_reserved
from core.visited_cso.agreed import commanded_site
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.asking import ANSWER_WITHIN
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.energy_transfer.reserved import (
    answer_of,
    give_up,
    is_booked,
    open_reserved,
    release,
    show_status,
)
from core.visited_cso.energy_transfer.start import (
    earlier_answer,
    finish_command,
    record_command,
    record_result,
    tell_result,
    unfinished_commands,
)
from core.visited_cso.outages import is_withdrawn

Work = Coroutine[None, None, None]
_GONE = {Status.OUTOFORDER, Status.INOPERATIVE, Status.REMOVED, Status.PLANNED}


@dataclass(frozen=True)
class _Verdict:
    """What we say at once, and, where nothing is asked of a station, the outcome that follows."""

    answer: CommandAnswer
    message: str | None = None
    outcome: CommandResult | None = None
    session_id: str | None = None


class ReservationCommands:
    """Takes RESERVE_NOW and CANCEL_RESERVATION; each response_url is executed once and answered alike."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def accept(self, partner: Partner, command: Command) -> tuple[CommandReply, Work | None]:
        """The answer, and what is to be done after it. Raises Rejection (2003) for an unknown site."""
        judge = self._reserve if command.kind is CommandKind.RESERVE_NOW else self._cancel

        def write(connection: Connection) -> tuple[CommandReply, _Verdict | None]:
            earlier = earlier_answer(connection, partner, command)
            if earlier is not None:
                return earlier, None
            verdict = judge(connection, partner, command)
            reply = CommandReply(verdict.answer, int(ANSWER_WITHIN.total_seconds()), verdict.message)
            record_command(connection, self._context, partner, command, reply, verdict.session_id)
            return reply, verdict

        reply, verdict = await self._context.store.write(write)
        return reply, self._work(partner, command, verdict)

    def _work(self, partner: Partner, command: Command, verdict: _Verdict | None) -> Work | None:
        if verdict is None or verdict.answer is not CommandAnswer.ACCEPTED:
            return None
        if verdict.outcome is not None:
            return finish_command(self._context, partner, command.response_url, verdict.outcome, verdict.message)
        assert verdict.session_id is not None  # what was accepted and is not over concerns a session
        execute = self.reserve if command.kind is CommandKind.RESERVE_NOW else self.cancel
        return execute(partner, command.response_url, verdict.session_id)

    def unfinished(self) -> list[Work]:
        """What the end of the program left without an outcome."""
        partners = {one.id: one for one in self._context.home_csps()}
        work: list[Work] = []
        for kind, execute in ((CommandKind.RESERVE_NOW, self.reserve), (CommandKind.CANCEL_RESERVATION, self.cancel)):
            with self._context.store.read() as connection:
                commands = unfinished_commands(connection, kind)
            work += [
                execute(partners[one.partner_id], one.response_url, one.session_id)
                for one in commands
                if one.partner_id in partners and one.session_id is not None
            ]
        return work

    def _reserve(self, connection: Connection, partner: Partner, command: Command) -> _Verdict:
        """Faults of the request are refused at once; what the place cannot give is the outcome."""
        context, now = self._context, self._context.clock.now()
        if (why := partner.agreement.why_not(Service.RESERVATIONS, context.endpoint.now())) is not None:
            return _Verdict(CommandAnswer.NOT_SUPPORTED, f"our agreement {why}")
        credential = command.credential.value if command.credential else None
        if credential is None or not partner.speaks_for(credential.party):
            return _Verdict(CommandAnswer.REJECTED, "the token is not one of yours")
        site = commanded_site(connection, context, partner, command)
        if command.evse_uid is not None and site.find_equipment(command.evse_uid) is None:
            return _Verdict(CommandAnswer.REJECTED, "unknown EVSE")
        until = command.expiry or now
        replaced = _named(connection, context, partner, command.reservation_id)
        start = now if replaced is None else terms(replaced.session).start
        try:
            check_time(start, until, now=now)
        except Refused as error:
            return _Verdict(CommandAnswer.REJECTED, error.message)
        if replaced is not None:
            return self._replace(connection, replaced, command, credential, until)
        if _overlapping(connection, context, credential, now, until):
            return _Verdict(CommandAnswer.REJECTED, "the token has another reservation at that time")
        return self._take(connection, partner, command, site, credential, until)

    def _take(
        self,
        connection: Connection,
        partner: Partner,
        command: Command,
        site: Site,
        credential: Credential,
        until: datetime,
    ) -> _Verdict:
        named = site.find_equipment(command.evse_uid) if command.evse_uid is not None else None
        candidates = site.equipment if named is None else (named,)
        able = [one for one in candidates if one.can(Capability.RESERVABLE) and one.connectors]
        if not able:
            return _Verdict(CommandAnswer.NOT_SUPPORTED, "this EVSE cannot be reserved")
        now = self._context.clock.now()
        working = [
            one
            for one in able
            if one.status not in _GONE and not is_withdrawn(connection, self._context, site.id, one.uid, now)
        ]
        if not working:
            return _Verdict(CommandAnswer.ACCEPTED, "this EVSE is out of service", CommandResult.EVSE_INOPERATIVE)
        free = [
            one
            for one in working
            if not load_open_at(connection, self._context.party, one.uid)
            and not is_booked(connection, self._context, one.uid, credential.uid, now, until)
        ]
        if not free:
            return _Verdict(CommandAnswer.ACCEPTED, "this EVSE is in use or reserved", CommandResult.EVSE_OCCUPIED)
        reservation = Reservation(
            id=command.reservation_id or "",
            start=self._context.clock.now(),
            until=until,
            group_id=credential.group_id,
        )
        session = open_reserved(
            connection,
            self._context,
            site,
            free[0],
            credential,
            reservation,
            command.authorization_reference,
            partner.agreement,
        )
        keep(connection, self._context, session, partner.id)
        return _Verdict(CommandAnswer.ACCEPTED, session_id=session.id)

    def _replace(
        self, connection: Connection, kept: KeptSession, command: Command, credential: Credential, until: datetime
    ) -> _Verdict:
        """The same reservation again: it may last until another time, at the same place, for the same driver."""
        session = kept.session
        elsewhere = command.evse_uid is not None and command.evse_uid != session.evse_uid
        if elsewhere or session.site_id != command.site_id or session.state is not SessionState.RESERVED:
            return _Verdict(CommandAnswer.REJECTED, "a reservation cannot be moved; cancel it first")
        if session.credential_uid.casefold() != credential.uid.casefold():
            return _Verdict(CommandAnswer.REJECTED, "the reservation is another token's")
        keep(connection, self._context, with_terms(session, until=until), kept.partner_id)
        return _Verdict(CommandAnswer.ACCEPTED, session_id=session.id)

    async def reserve(self, partner: Partner, response_url: str, session_id: str) -> None:
        """Ask the station, record what it says, tell the home-CSP the outcome."""
        context = self._context
        result, message = await self._ask_station(session_id)

        def conclude(connection: Connection) -> None:
            kept = load(connection, context.party, session_id)
            if kept is not None and kept.session.state in {SessionState.AUTHORISING, SessionState.RESERVED}:
                _conclude(connection, context, kept, result, message)
            record_result(connection, context, partner, response_url, result)

        await context.store.write(conclude)
        await tell_result(context, partner, response_url, result, message)
        if result is CommandResult.TIMEOUT:
            await release(context, session_id)

    async def _ask_station(self, session_id: str) -> tuple[CommandResult, str | None]:
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
        assert kept is not None  # it was opened with the answer
        session = kept.session
        asking = self._context.equipment.reserve(
            session.evse_uid, session.id, until=terms(session).until, id_tag=session.credential_uid
        )
        return await answer_of(asking)

    def _cancel(self, connection: Connection, partner: Partner, command: Command) -> _Verdict:
        kept = _named(connection, self._context, partner, command.reservation_id)
        if kept is None:
            unknown = CommandResult.UNKNOWN_RESERVATION
            return _Verdict(CommandAnswer.ACCEPTED, "there is no such reservation of yours", unknown)
        return _Verdict(CommandAnswer.ACCEPTED, session_id=kept.session.id)

    async def cancel(self, partner: Partner, response_url: str, session_id: str) -> None:
        """Release the equipment on the home-CSP's word; reserved time is billed as the tariff says."""
        result, message = await answer_of(self._context.equipment.cancel_reservation(session_id))
        if result is CommandResult.UNKNOWN_RESERVATION:
            result = CommandResult.ACCEPTED  # the station does not hold it: nothing is to be released

        def conclude(connection: Connection) -> None:
            kept = load(connection, self._context.party, session_id)
            if result is CommandResult.ACCEPTED and kept is not None and kept.session.is_open:
                give_up(connection, self._context, kept, Canceller.HOME_CSP, CancelReason.NO_CANCELED, "")
            record_result(connection, self._context, partner, response_url, result)

        await self._context.store.write(conclude)
        await tell_result(self._context, partner, response_url, result, message)


def _conclude(
    connection: Connection, context: Context, kept: KeptSession, result: CommandResult, message: str | None
) -> None:
    session, now = kept.session, context.clock.now()
    if result is CommandResult.ACCEPTED:
        keep(connection, context, held(session, at=now, actor="station"), kept.partner_id)
    elif session.state is SessionState.AUTHORISING:
        rejected = move(session, SessionState.REJECTED, at=now, actor="station", reason=message or "")
        keep(connection, context, rejected, kept.partner_id)
    show_status(connection, context, session.evse_uid)


def _named(
    connection: Connection, context: Context, partner: Partner, reservation_id: str | None
) -> KeptSession | None:
    """The partner's own reservation of that name that is not over and not charging."""
    kept = load_reserved(connection, context.party, partner.id)
    wanted = (reservation_id or "").casefold()
    return next((one for one in kept if terms(one.session).id.casefold() == wanted), None)


def _overlapping(
    connection: Connection, context: Context, credential: Credential, start: datetime, until: datetime
) -> bool:
    return any(
        terms(one.session).overlaps(start, until)
        for one in load_reserved(connection, context.party)
        if one.session.home == credential.party and one.session.credential_uid.casefold() == credential.uid.casefold()
    )
