"""Commands (UC3-2, UC3-4, UC3-8, UC5-2): taken at the visited-CSO, their outcome at the home-CSP."""

from collections.abc import Callable, Iterator

from core.endpoint.binding import Binding
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.ocpi.reading import to_text
from core.endpoint.partner import Partner
from core.endpoint.ports import CommandKind, CommandReceiver, CommandResultReceiver, Ports
from core.endpoint.rejection import Rejection
from core.errors import InvalidInput, NotAllowed

MODULE = "commands"


def routes(ports: Ports, binding: Binding, check_url: Callable[[Partner, str], None]) -> Iterator[Route]:
    """A command's response_url has to lead to its sender."""
    if ports.commands is not None:
        receiving = _Receiving(ports.commands, binding, check_url)
        yield Route(MODULE, "RECEIVER", "POST", "/{command}", receiving.post)
    if ports.command_results is not None:
        results = _Results(ports.command_results, binding)
        yield Route(MODULE, "SENDER", "POST", "/{command}/{command_id}", results.post)


class _Receiving:
    def __init__(self, port: CommandReceiver, binding: Binding, check_url: Callable[[Partner, str], None]) -> None:
        self._port = port
        self._binding = binding
        self._check_url = check_url

    async def post(self, request: Request) -> Answer:
        command = self._binding.command(_kind(request), request.body)
        try:
            self._check_url(request.partner, command.response_url)
        except NotAllowed as error:
            raise InvalidInput(f"response_url: {error.message}") from error
        reply = await self._port.command(request.partner, command)
        return Answer(to_text(self._binding.command_reply_body(reply)))


class _Results:
    def __init__(self, port: CommandResultReceiver, binding: Binding) -> None:
        self._port = port
        self._binding = binding

    async def post(self, request: Request) -> Answer:
        result, message = self._binding.command_result(request.body)
        kind, command_id = _kind(request), request.path["command_id"]
        if not await self._port.command_result(request.partner, kind, command_id, result, message):
            raise Rejection("No such command was sent to you.", 404)
        return Answer()


def _kind(request: Request) -> CommandKind:
    try:
        return CommandKind(request.path["command"])
    except ValueError:
        raise Rejection("There is no such command.", 404) from None
