"""Stop a session on its home-CSP's command (UC3-4)."""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from core.clock import pause
from core.endpoint.partner import Partner
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandReply, CommandResult
from core.errors import NotFound, Refused
from core.model.services import Service
from core.model.session import (
    ServiceSession,
    StopReason,
    StopScope,
    TransactionKind,
    change,
    with_stop,
    without_stop,
)
from core.store.sessions import KeptSession, load, load_open
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.asking import ANSWER_WITHIN, result_of
from core.visited_cso.energy_transfer.progress import is_transferring
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.energy_transfer.start import (
    earlier_answer,
    finish_command,
    record_command,
    unfinished_commands,
)
from core.visited_cso.equipment import EquipmentEvent, Online, RefusalCode

log = structlog.get_logger(__name__)

TRY_AGAIN_AFTER = timedelta(seconds=30)
"""On the platform's clock: how often a station that did not answer a stop is asked again [J]."""


class StopCommands:
    """Takes stop commands. A session that has ended already is stopped with success; another's is refused."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def accept(self, partner: Partner, command: Command) -> tuple[CommandReply, bool]:
        """The answer, and whether the station is now to be asked."""
        return await self._context.store.write(lambda connection: self._accept(connection, partner, command))

    def _accept(self, connection: Connection, partner: Partner, command: Command) -> tuple[CommandReply, bool]:
        earlier = earlier_answer(connection, partner, command)
        if earlier is not None:
            return earlier, False
        kept = load(connection, self._context.party, command.session_id or "")
        answer, problem = _answer(partner, command, kept)
        reply = CommandReply(answer, int(ANSWER_WITHIN.total_seconds()), problem)
        record_command(connection, self._context, partner, command, reply, command.session_id)
        if kept is None or answer is not CommandAnswer.ACCEPTED:
            return reply, False
        if kept.session.is_open:
            scope = command.stop_scope or StopScope.SERVICE_SESSION
            keep(connection, self._context, with_stop(kept.session, scope, at=self._context.clock.now()), partner.id)
        return reply, True

    def unfinished(self) -> list[tuple[Partner, Command]]:
        """Stops that were accepted and whose outcome is not known: their partner and command."""
        partners = {one.id: one for one in self._context.home_csps()}
        kind = CommandKind.STOP_SESSION
        with self._context.store.read() as connection:
            commands = unfinished_commands(connection, kind)
        return [
            (partners[one.partner_id], Command(kind, one.response_url, session_id=one.session_id))
            for one in commands
            if one.partner_id in partners
        ]

    async def execute(self, partner: Partner, command: Command) -> None:
        """Ask the station and tell the home-CSP the outcome. A station without an answer goes on being asked."""
        session_id = command.session_id or ""
        result, message = await self._ask_station(session_id)
        await finish_command(self._context, partner, command.response_url, result, message)
        if result is CommandResult.TIMEOUT:
            self._context.tasks.begin(self._keep_trying(session_id))

    async def stop_locally(self, session_id: str) -> None:
        """Stop on the word of who stands at the station and may; one without an answer goes on being asked."""
        context = self._context

        def ask(connection: Connection) -> None:
            kept = load(connection, context.party, session_id)
            if kept is not None and kept.session.is_open:
                local = change(kept.session, stop_reason=kept.session.stop_reason or StopReason.LOCAL)
                stopped = with_stop(local, StopScope.SERVICE_SESSION, at=context.clock.now())
                keep(connection, context, stopped, kept.partner_id)

        await context.store.write(ask)
        result, _ = await self._ask_station(session_id)
        if result is CommandResult.TIMEOUT:
            context.tasks.begin(self._keep_trying(session_id))

    async def heard(self, event: EquipmentEvent) -> None:
        """A station that is heard again is at once asked for what it owes."""
        if isinstance(event, Online):
            for session_id in self._due(event.evse_uid):
                self._context.tasks.begin(self._try_again(session_id))

    def resume(self) -> None:
        """Go on asking the stations that had not answered when the program ended."""
        for session_id in self._due():
            self._context.tasks.begin(self._keep_trying(session_id))

    async def resume_transfer(self, partner: Partner, session_id: str) -> None:
        """Let energy flow again after a stop of the energy transfer. Raises NotFound, Refused."""
        context = self._context

        def take_back(connection: Connection) -> None:
            kept = load(connection, context.party, session_id)
            if kept is None or kept.partner_id != partner.id:
                raise NotFound(f"there is no session {session_id}", code="unknown_session")
            if not kept.session.is_open or kept.session.stop_scope is StopScope.SERVICE_SESSION:
                raise Refused("the session is over", code="session_over")
            if kept.session.stop_requested_at is not None:
                keep(connection, context, without_stop(kept.session), partner.id)

        def stop_after_all(connection: Connection) -> None:
            kept = load(connection, context.party, session_id)
            if kept is not None and kept.session.is_open:
                stopped = with_stop(kept.session, StopScope.ENERGY_TRANSFER, at=context.clock.now())
                keep(connection, context, stopped, partner.id)

        # Before the station is asked, so that nobody repeats a stop that it has not answered yet.
        await context.store.write(take_back)
        try:
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                await context.equipment.resume_transfer(session_id)
        except (Refused, TimeoutError) as error:
            await context.store.write(stop_after_all)
            if isinstance(error, TimeoutError):
                raise Refused("the station did not answer", code=RefusalCode.TIMEOUT) from None
            raise

    async def _ask_station(self, session_id: str) -> tuple[CommandResult, str | None]:
        """What became of the stop; a session that no station knows any more has stopped."""
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
        alone = kept is not None and kept.session.stop_scope is StopScope.ENERGY_TRANSFER
        equipment = self._context.equipment
        try:
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                await (equipment.pause_transfer if alone else equipment.stop)(session_id)
        except Refused as refused:
            if refused.code == RefusalCode.UNKNOWN_TRANSACTION:
                return CommandResult.ACCEPTED, None
            return result_of(refused), refused.message
        except NotFound:
            return CommandResult.ACCEPTED, None
        except TimeoutError:
            return CommandResult.TIMEOUT, "the station did not answer"
        return CommandResult.ACCEPTED, None

    async def _keep_trying(self, session_id: str) -> None:
        while session_id in self._due():
            await pause(self._context.clock, TRY_AGAIN_AFTER)
            await self._try_again(session_id)

    async def _try_again(self, session_id: str) -> None:
        if session_id not in self._due():
            return
        result, message = await self._ask_station(session_id)
        log.info("stop_tried_again", session=session_id, result=result, message=message)

    def _due(self, evse_uid: str | None = None) -> list[str]:
        """The sessions that are to be stopped and still transfer energy, by the last word of their station."""
        context = self._context
        with context.store.read() as connection:
            kept = load_open(connection, context.party)
        return [one.session.id for one in kept if evse_uid in {None, one.session.evse_uid} and _is_due(one.session)]


def _answer(partner: Partner, command: Command, kept: KeptSession | None) -> tuple[CommandAnswer, str | None]:
    if kept is None:
        return CommandAnswer.UNKNOWN_SESSION, None
    if kept.partner_id != partner.id:
        return CommandAnswer.REJECTED, "the session is not of one of your drivers"
    if command.stop_scope is not None and not partner.agreement.finishes(Service.STOP_SCOPE):
        return CommandAnswer.NOT_SUPPORTED, "our agreement does not cover stop_scope"
    return CommandAnswer.ACCEPTED, None


def _is_due(session: ServiceSession) -> bool:
    if session.stop_requested_at is None:
        return False
    if session.stop_scope is StopScope.ENERGY_TRANSFER:
        return is_transferring(session)
    return session.running(TransactionKind.ENERGY) is not None
