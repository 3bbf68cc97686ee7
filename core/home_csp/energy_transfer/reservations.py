"""Reserve EV supply equipment for a driver (UC3-8): asked for, used, given up by either side, or run out.

A reservation is the beginning of a service session under the quote to which the driver consented: its tariff is frozen
with it, and a start on it goes on in the same session. One that is not confirmed in time is cancelled again.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from core.clock import WallClock
from core.driver_messages.reservations import ReserveRequest
from core.endpoint.partner import Partner
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandReply, CommandResult, Held
from core.errors import EvroamError, NotFound, Refused, Unreachable
from core.home_csp.context import Context
from core.home_csp.contracts import app_credential
from core.home_csp.energy_transfer.bookings import Booker
from core.home_csp.energy_transfer.commands import LONGEST_WAIT, record_reply, record_sent
from core.home_csp.energy_transfer.record import keep
from core.home_csp.energy_transfer.start import GRACE, Starter
from core.home_csp.quoting import KeptQuote, consent, load_quote
from core.home_csp.reservation_offers import now_refusal, offered_time, quoted
from core.model.credentials import Credential
from core.model.reservations import Canceller, CancelReason, Reservation
from core.model.reserving import given_up, held, run_out, terms, with_terms
from core.model.session import ServiceSession, SessionRule, SessionState, change, move, opened
from core.store.sessions import KeptSession, load, load_open_at, load_reserved

log = structlog.get_logger(__name__)

SILENT_FOR = timedelta(minutes=10)
"""So long after its end a reservation of which the operator says nothing is taken for not used [J]."""

_wall = WallClock()
S = SessionState


class Reserver:
    """Reserves for drivers; `resolve` finds out what became of a reservation without an answer."""

    def __init__(
        self, context: Context, starter: Starter, resolve: Callable[[str], Coroutine[None, None, None]]
    ) -> None:
        self._context = context
        self._starter = starter
        self._resolve = resolve
        self._booker = Booker(context, self.refuse, self.unconfirmed)

    async def reserve(self, contract_id: str, wanted: ReserveRequest) -> str:
        """Open a session that begins with a reservation, and ask the operator; the session's id, the request's.

        The same request again answers alike. Raises NotFound or Refused with a code and a next step.
        """
        fresh = await self._context.store.write(lambda connection: self._open(connection, contract_id, wanted))
        if fresh is not None and wanted.starts_at is not None:
            self._context.tasks.begin(self._booker.send(fresh[0], wanted.request_id))
        elif fresh is not None:
            self._context.tasks.begin(self._send_reservation(*fresh))
        return wanted.request_id

    def _open(
        self, connection: Connection, contract_id: str, wanted: ReserveRequest
    ) -> tuple[Partner, Command, str, str] | None:
        context = self._context
        earlier = load(connection, context.party, wanted.request_id)
        if earlier is not None:
            if earlier.session.contract_id != contract_id:
                raise NotFound("There is no such session")
            return None
        start, until = offered_time(context, wanted)

        def with_price(kept: KeptQuote) -> KeptQuote:
            return kept.model_copy(update={"reservation": quoted(kept, start, until)})

        quote = consent(connection, context, wanted.quote_id, contract_id, with_price)
        partner = self._starter.partner(quote)
        later = (start, until) if wanted.starts_at is not None else None
        refusal = now_refusal(connection, context, quote, partner, contract_id, later=later)
        if refusal is not None:
            raise Refused(refusal.message, code=refusal.code, next_step=refusal.next_step)
        credential = app_credential(connection, context, contract_id)
        if credential is None or not credential.valid:
            raise Refused("Your contract is blocked", code="contract_blocked", next_step="Please call your provider.")
        session = self._session(quote, credential, contract_id, wanted.request_id, start, until)
        session = with_terms(session, booked=later is not None)
        keep(connection, context, opened(session, actor="driver"), partner.id)
        kind = CommandKind.RESERVE_NOW
        command_id = record_sent(connection, context, kind, partner, session.id, context.clock.now())
        return partner, self._command(kind, session, command_id, credential), session.id, command_id

    def _session(
        self,
        quote: KeptQuote,
        credential: Credential,
        contract_id: str,
        request_id: str,
        start: datetime,
        until: datetime,
    ) -> ServiceSession:
        session = self._starter.session(quote, credential, contract_id, request_id)
        reservation = Reservation(id=request_id, start=start, until=until, group_id=credential.group_id)
        return change(session, reservation=reservation)

    def _command(
        self, kind: CommandKind, session: ServiceSession, command_id: str, credential: Credential | None = None
    ) -> Command:
        given = None if credential is None else Held(credential, self._context.writer.credential(credential))
        reservation = terms(session)
        return Command(
            kind=kind,
            response_url=self._context.calls.response_url(kind, command_id),
            credential=given,
            site_id=session.site_id,
            evse_uid=session.evse_uid,
            connector_id=session.connector_id if kind is CommandKind.START_SESSION else None,
            authorization_reference=session.authorization_reference,
            reservation_id=reservation.id,
            expiry=reservation.until,
        )

    async def _send_reservation(self, partner: Partner, command: Command, session_id: str, command_id: str) -> None:
        try:
            reply = await self._sent(partner, command, command_id)
        except Unreachable as error:
            if error.never_arrived:
                await self.refuse(session_id, "operator_unreachable")
            else:
                await self.unconfirmed(session_id)
            return
        except EvroamError as error:
            await self.refuse(session_id, f"reserve_{error.code}")
            return
        if reply.answer is not CommandAnswer.ACCEPTED:
            await self.refuse(session_id, f"reserve_{reply.answer.lower()}", reply.message)
            return
        await asyncio.sleep(_wait_of(reply))
        await self.unconfirmed(session_id)

    async def _sent(self, partner: Partner, command: Command, command_id: str) -> CommandReply:
        context = self._context
        reply = await context.calls.command(partner, command)
        now = _wall.now()
        await context.store.write(lambda connection: record_reply(connection, context, command_id, reply, now))
        return reply

    async def result(self, session_id: str, result: CommandResult, message: str | None) -> None:
        """The outcome of a reservation; CANCELED_RESERVATION comes later, when the operator takes it back."""
        match result:
            case CommandResult.ACCEPTED:
                await self._change(session_id, {S.AUTHORISING, S.UNCONFIRMED}, self._held)
            case CommandResult.CANCELED_RESERVATION:
                states = {S.AUTHORISING, S.UNCONFIRMED, S.RESERVED, S.AUTHORISED, S.CANCELLED}
                await self._change(session_id, states, lambda session: self._taken_back(session, message or ""))
            case CommandResult.TIMEOUT:
                await self.unconfirmed(session_id)
            case _:
                await self.refuse(session_id, f"reserve_{result.lower()}", message)

    def _held(self, session: ServiceSession) -> ServiceSession:
        return held(session, at=self._context.clock.now(), actor=str(session.visited))

    def _taken_back(self, session: ServiceSession, message: str) -> ServiceSession:
        now, by = self._context.clock.now(), Canceller.VISITED_CSO
        if session.state is S.CANCELLED:  # the session told it first, without words
            theirs = terms(session).cancelled_by is by
            return with_terms(session, message=message) if theirs and message else session
        return given_up(session, by, at=now, actor=str(session.visited), message=message)

    async def refuse(self, session_id: str, reason: str, message: str | None = None) -> None:
        """End a reservation that never came to be; the reason is a code that the driver reads as a sentence."""
        log.info("reservation_refused", session=session_id, reason=reason, message=message)

        def refused(session: ServiceSession) -> ServiceSession:
            told = with_terms(session, message=message or "")
            return move(told, S.REJECTED, at=self._context.clock.now(), actor=str(session.visited), reason=reason)

        await self._change(session_id, {S.AUTHORISING, S.UNCONFIRMED}, refused)

    async def unconfirmed(self, session_id: str) -> None:
        """No answer in time: find out, and give back what was reserved."""

        def unconfirmed(session: ServiceSession) -> ServiceSession:
            at = self._context.clock.now()
            return move(session, S.UNCONFIRMED, at=at, actor="home-CSP", reason="no_answer")

        if await self._change(session_id, {S.AUTHORISING}, unconfirmed):
            self._context.tasks.begin(self._resolve(session_id))

    async def cancel(self, session_id: str, contract_id: str) -> None:
        """The driver gives the reservation up. One that is over already stays so. Raises NotFound, Refused."""

        def wanted(connection: Connection) -> bool:
            kept = self._own(connection, session_id, contract_id)
            if kept.session.state is S.ACTIVE or kept.session.started_at is not None:
                raise Refused("You are charging already", code="charging_already", next_step="Stop charging instead.")
            if not kept.session.is_open:
                return False
            now = self._context.clock.now()
            session = with_terms(kept.session, cancel_requested_at=now, cancel_problem="")
            keep(connection, self._context, session, kept.partner_id)
            return True

        if await self._context.store.write(wanted):
            self._context.tasks.begin(self._cancelled(session_id))

    async def _cancelled(self, session_id: str) -> None:
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
        if kept is None or not terms(kept.session).booked:
            await self.send_cancel(session_id)
            return
        partner = next((one for one in self._context.visited_csos() if one.id == kept.partner_id), None)
        if partner is None or not await self._booker.cancel(partner, session_id):
            await self._cancel_problem(session_id, "cancel_not_answered")

    async def send_cancel(self, session_id: str) -> None:
        """Ask the operator to release the equipment."""
        kind = CommandKind.CANCEL_RESERVATION
        prepared = await self._context.store.write(lambda connection: self._prepare(connection, session_id, kind))
        if prepared is None:
            await self._cancel_problem(session_id, "cancel_not_answered")
            return
        try:
            reply = await self._sent(*prepared)
        except Unreachable:
            await self._cancel_problem(session_id, "cancel_not_answered")
            return
        except EvroamError as error:
            await self._cancel_problem(session_id, error.code)
            return
        if reply.answer is not CommandAnswer.ACCEPTED:
            await self._cancel_problem(session_id, f"cancel_{reply.answer.lower()}")

    async def cancel_result(self, session_id: str, result: CommandResult) -> None:
        """The outcome of the driver's cancellation."""
        if result is not CommandResult.ACCEPTED:
            await self._cancel_problem(session_id, f"cancel_{result.lower()}")
            return

        def cancelled(session: ServiceSession) -> ServiceSession:
            now, by, why = self._context.clock.now(), Canceller.HOME_CSP, CancelReason.NO_CANCELED
            return given_up(session, by, at=now, actor="driver", reason=why)

        await self._change(session_id, {S.AUTHORISING, S.UNCONFIRMED, S.RESERVED, S.AUTHORISED}, cancelled)

    async def _cancel_problem(self, session_id: str, code: str) -> None:
        states = {S.AUTHORISING, S.UNCONFIRMED, S.RESERVED, S.AUTHORISED}
        await self._change(session_id, states, lambda session: with_terms(session, cancel_problem=code))

    async def use(self, session_id: str, contract_id: str) -> None:
        """The driver has arrived: start in the same session. Raises NotFound, Refused."""

        def wanted(connection: Connection) -> bool:
            kept = self._own(connection, session_id, contract_id)
            if kept.session.state in {S.AUTHORISED, S.ACTIVE}:
                return False
            if kept.session.state is not S.RESERVED:
                raise Refused("The reservation is over", code="reservation_over", next_step="Look at the post anew.")
            reservation, now = terms(kept.session), self._context.clock.now()
            if now < reservation.start:
                raise Refused(
                    "Your time has not begun", code="reservation_ahead", next_step="Come when it begins, or cancel it."
                )
            session = with_terms(kept.session, use_requested_at=now, use_problem="", cancel_problem="")
            keep(connection, self._context, session, kept.partner_id)
            return True

        if await self._context.store.write(wanted):
            self._context.tasks.begin(self._send_use(session_id))

    async def start_if_held(self, contract_id: str, quote_id: str) -> str | None:
        """Start on the driver's own reservation of the EVSE that a quote is for; None where there is none.

        What the driver agreed to when reserving holds: the quote is not used.
        """
        context = self._context
        with context.store.read() as connection:
            quote = load_quote(connection, context, quote_id)
            view = quote.view if quote else None
            holding = load_open_at(connection, context.party, view.evse_uid, view.site.party) if view else []
        own = [one.session for one in holding if one.session.contract_id == contract_id]
        if not own or own[0].state is not S.RESERVED:
            return None
        await self.use(own[0].id, contract_id)
        return own[0].id

    async def _send_use(self, session_id: str) -> None:
        kind = CommandKind.START_SESSION
        prepared = await self._context.store.write(lambda connection: self._prepare(connection, session_id, kind))
        if prepared is None:
            await self._use_problem(session_id, "operator_unreachable")
            return
        try:
            reply = await self._sent(*prepared)
        except Unreachable as error:
            await self._use_problem(session_id, "operator_unreachable" if error.never_arrived else "no_answer")
            return
        except EvroamError as error:
            await self._use_problem(session_id, error.code)
            return
        if reply.answer is not CommandAnswer.ACCEPTED:
            await self._use_problem(session_id, f"answer_{reply.answer.lower()}")
            return
        asked_at = self._context.clock.now()
        await asyncio.sleep(_wait_of(reply))
        await self._use_problem(session_id, "no_answer", asked_before=asked_at)

    async def use_result(self, session_id: str, result: CommandResult) -> None:
        """The outcome of a start on the reservation; one that fails leaves it standing."""
        if result is not CommandResult.ACCEPTED:
            await self._use_problem(session_id, f"result_{result.lower()}")
            return

        def authorised(session: ServiceSession) -> ServiceSession:
            return move(session, S.AUTHORISED, at=self._context.clock.now(), actor=str(session.visited))

        await self._change(session_id, {S.RESERVED}, authorised)

    async def _use_problem(self, session_id: str, code: str, asked_before: datetime | None = None) -> None:
        def problem(session: ServiceSession) -> ServiceSession:
            asked = terms(session).use_requested_at
            if asked is None or (asked_before is not None and asked > asked_before):
                return session
            return with_terms(session, use_requested_at=None, use_problem=code)

        await self._change(session_id, {S.RESERVED}, problem)

    async def end_overdue(self) -> None:
        """Take for not used what is long past its end and of which the operator says nothing; an SDR may follow."""
        now = self._context.clock.now()
        with self._context.store.read() as connection:
            kept = load_reserved(connection, self._context.party)
        for one in kept:
            if terms(one.session).until + SILENT_FOR < now:
                await self._change(one.session.id, {S.RESERVED}, _never_used)

    async def resume(self, session: ServiceSession) -> None:
        """Go on with what the end of the program interrupted."""
        if session.state is S.AUTHORISING:
            await self.unconfirmed(session.id)
            return
        reservation = terms(session)
        if reservation.cancel_requested_at is not None and not reservation.cancel_problem:
            self._context.tasks.begin(self._cancelled(session.id))
        if reservation.use_requested_at is not None and session.state is S.RESERVED:
            await self._use_problem(session.id, "no_answer")

    def _prepare(
        self, connection: Connection, session_id: str, kind: CommandKind
    ) -> tuple[Partner, Command, str] | None:
        context = self._context
        kept = load(connection, context.party, session_id)
        partner = next((one for one in context.visited_csos() if kept is not None and one.id == kept.partner_id), None)
        if kept is None or partner is None or not kept.session.is_open:
            return None
        starts = kind is CommandKind.START_SESSION
        credential = app_credential(connection, context, kept.session.contract_id) if starts else None
        command_id = record_sent(connection, context, kind, partner, session_id, _wall.now())
        return partner, self._command(kind, kept.session, command_id, credential), command_id

    def _own(self, connection: Connection, session_id: str, contract_id: str) -> KeptSession:
        kept = load(connection, self._context.party, session_id)
        if kept is None or kept.session.contract_id != contract_id or kept.session.reservation is None:
            raise NotFound("There is no such reservation", next_step="Look at your receipts.")
        return kept

    async def _change(
        self, session_id: str, states: set[SessionState], step: Callable[[ServiceSession], ServiceSession]
    ) -> bool:
        context = self._context

        def write(connection: Connection) -> bool:
            kept = load(connection, context.party, session_id)
            if kept is None or kept.session.reservation is None or kept.session.state not in states:
                return False
            try:
                after = step(kept.session)
            except SessionRule as broken:
                log.warning("reservation_not_changed", session=session_id, reason=broken.message)
                return False
            if after is not kept.session:
                keep(connection, context, after, kept.partner_id)
            return True

        return await context.store.write(write)


def _wait_of(reply: CommandReply) -> float:
    """Seconds of the wall clock until the outcome is overdue."""
    return min(max(reply.timeout_seconds, 1), LONGEST_WAIT.total_seconds()) + GRACE.total_seconds()


def _never_used(session: ServiceSession) -> ServiceSession:
    return run_out(session, at=terms(session).until, actor="home-CSP")
