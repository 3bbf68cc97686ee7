"""Commands of OCPI 2.3.0."""

from core.endpoint.ocpi import commands
from core.endpoint.ocpi.v2_3_0.tokens import TOKEN, Token
from core.endpoint.ports import CommandKind


class ReserveNow(commands.ReserveNow):
    """Reserve from now on."""

    token: Token


class StartSession(commands.StartSession):
    """Start."""

    token: Token


COMMANDS = commands.Commands({CommandKind.START_SESSION: StartSession, CommandKind.RESERVE_NOW: ReserveNow}, TOKEN)
