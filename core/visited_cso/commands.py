"""Commands of home-CSPs, handed to the use case that executes them."""

from core.endpoint.partner import Partner
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandReply
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.reservations import ReservationCommands
from core.visited_cso.energy_transfer.start import StartCommands
from core.visited_cso.energy_transfer.stop import StopCommands


class Commands:
    """Implements the endpoint's CommandReceiver."""

    def __init__(self, context: Context) -> None:
        self._tasks = context.tasks
        self.start = StartCommands(context)
        self.stop = StopCommands(context)
        self.reservations = ReservationCommands(context)

    async def command(self, partner: Partner, command: Command) -> CommandReply:
        """Answer at once; the station is asked afterwards."""
        if command.kind is CommandKind.START_SESSION:
            reply, session_id = await self.start.accept(partner, command)
            if session_id is not None:
                self._tasks.begin(self.start.execute(partner, command, session_id))
            return reply
        if command.kind is CommandKind.STOP_SESSION:
            reply, fresh = await self.stop.accept(partner, command)
            if fresh:
                self._tasks.begin(self.stop.execute(partner, command))
            return reply
        if command.kind in {CommandKind.RESERVE_NOW, CommandKind.CANCEL_RESERVATION}:
            reply, work = await self.reservations.accept(partner, command)
            if work is not None:
                self._tasks.begin(work)
            return reply
        return CommandReply(CommandAnswer.NOT_SUPPORTED, 0, "this operator does not offer it")

    async def resume(self) -> None:
        """Go on with what no station has answered yet; the station takes the same command as one."""
        for partner, command, session_id in self.start.unfinished():
            self._tasks.begin(self.start.execute(partner, command, session_id))
        for partner, command in self.stop.unfinished():
            self._tasks.begin(self.stop.execute(partner, command))
        for work in self.reservations.unfinished():
            self._tasks.begin(work)
        self.stop.resume()
