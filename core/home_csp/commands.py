"""Outcomes of our commands, handed to the use case that sent them."""

from sqlalchemy import Connection

from core.endpoint.partner import Partner
from core.endpoint.ports import CommandKind, CommandResult
from core.home_csp.context import Context
from core.home_csp.energy_transfer.commands import SentCommand, record_result
from core.home_csp.energy_transfer.reservations import Reserver
from core.home_csp.energy_transfer.start import Starter
from core.home_csp.energy_transfer.stop import Stopper
from core.store.sessions import load


class CommandResults:
    """Implements the endpoint's CommandResultReceiver. The same outcome again changes nothing."""

    def __init__(self, context: Context, starter: Starter, stopper: Stopper, reserver: Reserver) -> None:
        self._context = context
        self._reserver = reserver
        self._starter = starter
        self._stopper = stopper

    async def command_result(
        self, partner: Partner, kind: CommandKind, command_id: str, result: CommandResult, message: str | None
    ) -> bool:
        """False where this partner was sent no such command."""

        def write(connection: Connection) -> tuple[SentCommand | None, bool]:
            command = record_result(connection, self._context, partner.id, kind, command_id, result)
            starts = kind is CommandKind.START_SESSION and result is CommandResult.ACCEPTED
            if command is None or command.result is not None or not starts:
                return command, False
            return command, self._starter.accepted(connection, command.session_id)

        command, is_applied = await self._context.store.write(write)
        if command is None:
            return False
        if kind is CommandKind.RESERVE_NOW and result is CommandResult.CANCELED_RESERVATION:
            await self._reserver.result(command.session_id, result, message)  # may follow an outcome
        elif command.result is None and not is_applied:
            await self._apply(kind, command.session_id, result, message)
        return True

    async def _apply(self, kind: CommandKind, session_id: str, result: CommandResult, message: str | None) -> None:
        if kind is CommandKind.RESERVE_NOW:
            await self._reserver.result(session_id, result, message)
        elif kind is CommandKind.CANCEL_RESERVATION:
            await self._reserver.cancel_result(session_id, result)
        elif kind is CommandKind.START_SESSION and self._is_reserved(session_id):
            await self._reserver.use_result(session_id, result)
        elif kind is CommandKind.START_SESSION:
            await self._starter.result(session_id, result, message)
        elif kind is CommandKind.STOP_SESSION:
            await self._stopper.result(session_id, result, message)

    def _is_reserved(self, session_id: str) -> bool:
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
        return kept is not None and kept.session.reservation is not None
