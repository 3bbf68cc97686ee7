"""Stop charging via the home-CSP (UC3-4): on the driver's word, or when the goal of the quote is reached."""

import structlog
from sqlalchemy import Connection

from core.clock import WallClock
from core.endpoint.extensions.energytransfers import MODULE, resume_transfer
from core.endpoint.partner import Partner
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandResult
from core.errors import EvroamError, NotFound, Refused, Unreachable
from core.home_csp.context import Context
from core.home_csp.energy_transfer.commands import record_reply, record_sent, sent
from core.home_csp.energy_transfer.record import keep
from core.model.services import Service
from core.model.session import ServiceSession, StopScope, change, with_stop, without_stop
from core.store.sessions import KeptSession, load

log = structlog.get_logger(__name__)

_wall = WallClock()


class Stopper:
    """Stops sessions. A stop is asked for once; where it runs into a problem, the driver may ask again."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def stop(self, session_id: str, contract_id: str, scope: StopScope = StopScope.SERVICE_SESSION) -> None:
        """The driver asks to stop. A session that has ended already is stopped.

        Raises NotFound, and Refused where the operator cannot stop the energy transfer alone: that is never made a
        stop of the whole session without the driver's word.
        """
        context = self._context

        def write(connection: Connection) -> ServiceSession:
            kept = self._of_driver(connection, session_id, contract_id)
            if not kept.session.is_open:
                return kept.session
            if scope is StopScope.ENERGY_TRANSFER and not can_stop_transfer(context, kept):
                raise Refused(
                    "This operator can stop the whole session only",
                    code="stop_scope_not_agreed",
                    next_step="Stop the whole session, or let it go on.",
                )
            session = with_stop(kept.session, scope, at=context.clock.now())
            return keep(connection, context, session, kept.partner_id)

        session = await context.store.write(write)
        if session.is_open and session.visited_session_id is not None:
            context.tasks.begin(self._send(session.id))

    async def resume_transfer(self, session_id: str, contract_id: str) -> None:
        """The driver takes a stop of the energy transfer back. Raises NotFound, Refused, Unreachable."""
        context = self._context
        with context.store.read() as connection:
            kept = self._of_driver(connection, session_id, contract_id)
        if kept.session.stop_requested_at is None and kept.session.is_open:
            return
        partner, visited_id = partner_of(context, kept), kept.session.visited_session_id
        if partner is None or visited_id is None or not _is_paused(kept.session):
            raise Refused("Charging cannot go on in this session", code="not_paused", next_step="Start a new one.")
        await resume_transfer(context.calls, partner, visited_id)

        def write(connection: Connection) -> None:
            kept = self._of_driver(connection, session_id, contract_id)
            if _is_paused(kept.session):  # a stop of the whole session may have been asked for meanwhile
                keep(connection, context, without_stop(kept.session), kept.partner_id)

        await context.store.write(write)

    def _of_driver(self, connection: Connection, session_id: str, contract_id: str) -> KeptSession:
        kept = load(connection, self._context.party, session_id)
        if kept is None or kept.session.contract_id != contract_id:
            raise NotFound("There is no such session", next_step="Look at your receipts.")
        return kept

    async def stop_if_due(self, session: ServiceSession) -> None:
        """After a report: send a stop that waited for the partner's session id, or one for the goal reached.

        Past the goal nobody may be there to ask again, so a stop that ran into a problem is repeated with every report.
        """
        if not session.is_open or session.visited_session_id is None:
            return
        reached = session.goal is not None and session.energy >= session.goal
        if reached and (session.stop_requested_at is None or session.stop_problem):
            await self.stop(session.id, session.contract_id)
        elif session.stop_requested_at is not None and not session.stop_problem:
            with self._context.store.read() as connection:
                already = sent(connection, self._context, session.id, CommandKind.STOP_SESSION)
            if already is None:
                self._context.tasks.begin(self._send(session.id))

    def resume(self, session: ServiceSession) -> None:
        """The program ended after a stop was asked for: send it again, as nobody knows whether it arrived."""
        if session.stop_requested_at and session.visited_session_id is not None and not session.stop_problem:
            self._context.tasks.begin(self._send(session.id))

    async def result(self, session_id: str, result: CommandResult, message: str | None) -> None:
        """The outcome of a stop command; the end itself is reported with the session."""
        if result is not CommandResult.ACCEPTED:
            await self._problem(session_id, f"stop_{result.lower()}", message)

    async def _send(self, session_id: str) -> None:
        context = self._context
        prepared = await context.store.write(lambda connection: self._prepare(connection, session_id))
        if prepared is None:
            return
        partner, command, command_id = prepared
        try:
            reply = await context.calls.command(partner, command)
        except Unreachable as error:
            code = "stop_unreachable" if error.never_arrived else "stop_timeout"
            await self._problem(session_id, code, error.message)
            return
        except EvroamError as error:
            await self._problem(session_id, f"stop_{error.code}", error.message)
            return
        now = _wall.now()
        await context.store.write(lambda connection: record_reply(connection, context, command_id, reply, now))
        if reply.answer is not CommandAnswer.ACCEPTED:
            await self._problem(session_id, f"stop_{reply.answer.lower()}", reply.message)

    def _prepare(self, connection: Connection, session_id: str) -> tuple[Partner, Command, str] | None:
        context = self._context
        kept = load(connection, context.party, session_id)
        partner = None if kept is None else partner_of(context, kept)
        if kept is None or partner is None or not kept.session.is_open or kept.session.stop_requested_at is None:
            return None
        scope = kept.session.stop_scope
        alone = scope is StopScope.ENERGY_TRANSFER
        if alone and not can_stop_transfer(context, kept):
            keep(connection, context, change(kept.session, stop_problem="stop_scope_not_agreed"), kept.partner_id)
            return None
        kind = CommandKind.STOP_SESSION
        command_id = record_sent(connection, context, kind, partner, session_id, _wall.now())
        command = Command(
            kind=kind,
            response_url=context.calls.response_url(kind, command_id),
            session_id=kept.session.visited_session_id,
            stop_scope=scope if alone else None,
        )
        return partner, command, command_id

    async def _problem(self, session_id: str, code: str, message: str | None) -> None:
        log.warning("stop_problem", session=session_id, code=code, message=message)
        context = self._context

        def write(connection: Connection) -> None:
            kept = load(connection, context.party, session_id)
            if kept is not None and kept.session.is_open:
                keep(connection, context, change(kept.session, stop_problem=code), kept.partner_id)

        await context.store.write(write)


def can_stop_transfer(context: Context, kept: KeptSession) -> bool:
    """Whether the session's operator agreed to stop the energy transfer alone, and offers to go on with it."""
    partner = partner_of(context, kept)
    if partner is None or not partner.agreement.finishes(Service.STOP_SCOPE):
        return False
    return partner.endpoint(MODULE, "RECEIVER") is not None


def partner_of(context: Context, kept: KeptSession) -> Partner | None:
    """The operator of a session, while it is connected."""
    return next((one for one in context.partners.connected() if one.id == kept.partner_id), None)


def _is_paused(session: ServiceSession) -> bool:
    return session.is_open and session.stop_scope is StopScope.ENERGY_TRANSFER
