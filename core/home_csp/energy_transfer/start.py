"""Start charging remotely (UC3-2): the driver's consent freezes the quote, opens the session and sends the command.

A start that is refused leaves no open session. One that is not answered in time is UNCONFIRMED: it may have happened,
so it is stopped, looked for at the partner, and ends as rejected or active on evidence alone.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from core.clock import WallClock
from core.endpoint.partner import Partner
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandReply, CommandResult, Held
from core.errors import EvroamError, NotFound, Refused, Unreachable
from core.home_csp.agreed import Agreed
from core.home_csp.context import Context
from core.home_csp.contracts import app_credential
from core.home_csp.energy_transfer.commands import LONGEST_WAIT, record_reply, record_sent
from core.home_csp.energy_transfer.record import keep
from core.home_csp.quoting import KeptQuote, consent
from core.model.credentials import Credential, IdentificationMethod
from core.model.session import STARTING, ServiceSession, SessionState, move, opened
from core.store.sessions import load, load_open, load_open_at

log = structlog.get_logger(__name__)

GRACE = timedelta(seconds=2)
"""How much longer than the partner said its outcome is waited for, for the way over the wire."""

SILENT_FOR = timedelta(hours=1)
"""How long after its word that it starts an operator may say nothing before the post counts as free again [J]."""

_wall = WallClock()


class Starter:
    """Starts sessions for drivers; `resolve` finds out what became of a start without an answer."""

    def __init__(self, context: Context, resolve: Callable[[str], Coroutine[None, None, None]]) -> None:
        self._context = context
        self._resolve = resolve

    async def start(self, contract_id: str, quote_id: str, request_id: str) -> str:
        """Open a session for a consented quote and send the command; the session's id, which is the request's.

        The same request again answers alike and starts nothing. Raises NotFound or Refused with a code and a next step.
        """
        context = self._context
        fresh = await context.store.write(lambda connection: self._open(connection, contract_id, quote_id, request_id))
        if fresh is not None:
            context.tasks.begin(self._send(*fresh))
        return request_id

    def _open(
        self, connection: Connection, contract_id: str, quote_id: str, request_id: str
    ) -> tuple[Partner, Command, str, str] | None:
        context = self._context
        earlier = load(connection, context.party, request_id)
        if earlier is not None:
            if earlier.session.contract_id != contract_id:
                raise NotFound("There is no such session")
            return None
        quote = consent(connection, context, quote_id, contract_id)
        partner = self.partner(quote)
        credential = app_credential(connection, context, contract_id)
        if credential is None or not credential.valid:
            raise Refused("Your contract is blocked", code="contract_blocked", next_step="Please call your provider.")
        if load_open_at(connection, context.party, quote.view.evse_uid, quote.view.site.party):
            raise Refused("Somebody is charging at this post", code="evse_occupied", next_step="Choose another post.")
        now = context.clock.now()
        session = self.session(quote, credential, contract_id, request_id)
        keep(connection, context, opened(session, actor="driver"), partner.id)
        command_id = record_sent(connection, context, CommandKind.START_SESSION, partner, session.id, now)
        command = self._command(quote, session, credential, command_id)
        return partner, command, session.id, command_id

    def partner(self, quote: KeptQuote) -> Partner:
        """The operator of a quote, with whom a session may begin. Raises Refused."""
        Agreed(self._context).require(quote.partner_id)
        return self._context.partners.get(quote.partner_id)

    def session(self, quote: KeptQuote, credential: Credential, contract_id: str, request_id: str) -> ServiceSession:
        """A session under a consented quote, about to be asked for."""
        view, now = quote.view, self._context.clock.now()
        return ServiceSession(
            id=request_id,
            home=self._context.party,
            visited=view.site.party,
            authorization_reference=request_id,
            contract_id=contract_id,
            credential_uid=credential.uid,
            credential_kind=credential.kind,
            identification=IdentificationMethod.COMMAND,
            site_id=view.site.id,
            evse_uid=view.evse_uid,
            evse_id=view.evse_id,
            connector_id=view.connector.id,
            time_zone=view.time_zone,
            quote_id=quote.id,
            state=SessionState.AUTHORISING,
            opened_at=now,
            currency=quote.quote.estimate.currency,
            tariffs=quote.tariffs,
            goal=quote.goal,
        )

    def _command(self, quote: KeptQuote, session: ServiceSession, credential: Credential, command_id: str) -> Command:
        return Command(
            kind=CommandKind.START_SESSION,
            response_url=self._context.calls.response_url(CommandKind.START_SESSION, command_id),
            credential=Held(credential, self._context.writer.credential(credential)),
            site_id=session.site_id,
            evse_uid=session.evse_uid,
            connector_id=session.connector_id,
            authorization_reference=session.authorization_reference,
            quote_id=quote.operator_quote_id,
        )

    async def _send(self, partner: Partner, command: Command, session_id: str, command_id: str) -> None:
        context = self._context
        try:
            reply = await context.calls.command(partner, command)
        except Unreachable as error:
            if error.never_arrived:
                await self.refuse(session_id, "operator_unreachable")
            else:
                await self.unconfirmed(session_id)
            return
        except EvroamError as error:
            await self.refuse(session_id, error.code)
            return
        now = _wall.now()
        await context.store.write(lambda connection: record_reply(connection, context, command_id, reply, now))
        if reply.answer is not CommandAnswer.ACCEPTED:
            await self.refuse(session_id, f"answer_{reply.answer.lower()}", reply.message)
            return
        await self._await_result(session_id, reply)

    async def _await_result(self, session_id: str, reply: CommandReply) -> None:
        wait = min(max(reply.timeout_seconds, 1), LONGEST_WAIT.total_seconds())
        await asyncio.sleep(wait + GRACE.total_seconds())
        await self.unconfirmed(session_id)

    async def result(self, session_id: str, result: CommandResult, message: str | None) -> None:
        """The outcome of a start command, but that it was accepted."""
        if result is CommandResult.TIMEOUT:
            await self._unanswered_by_station(session_id)
        else:
            await self.refuse(session_id, f"result_{result.lower()}", message)

    async def refuse(self, session_id: str, reason: str, message: str | None = None) -> None:
        """End a session that never began; the reason is a code that the driver reads as a sentence."""
        log.info("start_refused", session=session_id, reason=reason, message=message)
        await self._move(session_id, SessionState.REJECTED, "operator", reason)

    async def unconfirmed(self, session_id: str) -> None:
        """No answer in time: unless it has been answered meanwhile, find out and stop."""
        if await self._move(session_id, SessionState.UNCONFIRMED, "home-CSP", "no_answer"):
            self._context.tasks.begin(self._resolve(session_id))

    async def _unanswered_by_station(self, session_id: str) -> None:
        """As `unconfirmed`; a session of which the operator has told before its station fell silent is stopped too."""
        await self.unconfirmed(session_id)
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
        if kept is not None and kept.session.state is SessionState.AUTHORISED:
            self._context.tasks.begin(self._resolve(session_id))

    async def end_silent(self) -> None:
        """Let go of starts that were accepted and of which the operator has told nothing since; an SDR may follow."""
        context = self._context
        now = context.clock.now()
        with context.store.read() as connection:
            kept = load_open(connection, context.party)
        for session in (one.session for one in kept):
            if session.state is SessionState.AUTHORISED and _last_word_on(session) + SILENT_FOR < now:
                await self._move(session.id, SessionState.EXPIRED, "home-CSP", "operator_silent")

    def accepted(self, connection: Connection, session_id: str) -> bool:
        """The station was told to start: in the transaction that keeps the outcome, which is not looked at again.

        False for a reservation, which the start makes use of.
        """
        kept = load(connection, self._context.party, session_id)
        if kept is not None and kept.session.reservation is not None:
            return False
        self._moved(connection, session_id, SessionState.AUTHORISED, "operator", "")
        return True

    async def _move(self, session_id: str, to: SessionState, actor: str, reason: str) -> bool:
        return await self._context.store.write(
            lambda connection: self._moved(connection, session_id, to, actor, reason)
        )

    def _moved(self, connection: Connection, session_id: str, to: SessionState, actor: str, reason: str) -> bool:
        context = self._context
        kept = load(connection, context.party, session_id)
        if kept is None or kept.session.state not in STARTING or kept.session.state is to:
            return False
        if to is SessionState.UNCONFIRMED and kept.session.state is not SessionState.AUTHORISING:
            return False
        session = move(kept.session, to, at=context.clock.now(), actor=actor, reason=reason)
        keep(connection, context, session, kept.partner_id)
        return True


def _last_word_on(session: ServiceSession) -> datetime:
    """When a start was last heard of; while a reservation lasts, its driver may still come."""
    until = session.reservation.until if session.reservation else None
    told = (session.opened_at, session.transitions[-1].at, session.last_word_at, until)
    return max(at for at in told if at is not None)
