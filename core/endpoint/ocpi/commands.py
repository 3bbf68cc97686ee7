"""Commands (UC3-2, UC3-4, UC3-8, UC5-2): the request, the immediate answer and the later outcome."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from core.endpoint.ocpi import extended
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import Address, CiString, Closed, Count, Moment
from core.endpoint.ocpi.reading import Json, JsonObject, parse_object
from core.endpoint.ocpi.shape import Fault, InvalidMember, Shape, part, written
from core.endpoint.ocpi.tokens import Token, token
from core.endpoint.ocpi.types import DisplayText, message
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandReply, CommandResult
from core.model.credentials import Credential

COMMAND_RESPONSE_TYPE = ("ACCEPTED", "NOT_SUPPORTED", "REJECTED", "UNKNOWN_SESSION")
COMMAND_RESULT_TYPE = (
    "ACCEPTED",
    "CANCELED_RESERVATION",
    "EVSE_INOPERATIVE",
    "EVSE_OCCUPIED",
    "FAILED",
    "NOT_SUPPORTED",
    "REJECTED",
    "TIMEOUT",
    "UNKNOWN_RESERVATION",
)


class CancelReservation(Shape):
    """Take a reservation back."""

    response_url: Address
    reservation_id: Annotated[str, CiString(36)]


class ReserveNow(Shape):
    """Reserve from now on; the versions have a token of their own."""

    response_url: Address
    token: Token
    expiry_date: Moment
    reservation_id: Annotated[str, CiString(36)]
    location_id: Annotated[str, CiString(36)]
    evse_uid: Annotated[str, CiString(36)] | None = None
    authorization_reference: Annotated[str, CiString(36)] | None = None


class StartSession(Shape):
    """Start; the versions have a token of their own."""

    response_url: Address
    token: Token
    location_id: Annotated[str, CiString(36)]
    evse_uid: Annotated[str, CiString(36)] | None = None
    connector_id: Annotated[str, CiString(36)] | None = None
    authorization_reference: Annotated[str, CiString(36)] | None = None

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """A connector is named within an EVSE."""
        if self.connector_id and not self.evse_uid:
            yield "evse_uid", "is required beside connector_id"


class StopSession(Shape):
    """Stop."""

    response_url: Address
    session_id: Annotated[str, CiString(36)]


class UnlockConnector(Shape):
    """Unlock a connector; for a help desk, never for the driver."""

    response_url: Address
    location_id: Annotated[str, CiString(36)]
    evse_uid: Annotated[str, CiString(36)]
    connector_id: Annotated[str, CiString(36)]


class CommandResponse(Shape):
    """The immediate answer."""

    result: Annotated[str, Closed(COMMAND_RESPONSE_TYPE)]
    timeout: Count
    message: tuple[DisplayText, ...] = ()


class CommandResultBody(Shape):
    """The outcome (class CommandResult), posted bare to the response_url."""

    result: Annotated[str, Closed(COMMAND_RESULT_TYPE)]
    message: tuple[DisplayText, ...] = ()


COMMON: dict[CommandKind, type[Shape]] = {
    CommandKind.STOP_SESSION: StopSession,
    CommandKind.CANCEL_RESERVATION: CancelReservation,
    CommandKind.UNLOCK_CONNECTOR: UnlockConnector,
}
"""Commands without a credential, the same in every version."""

_MEMBERS = {
    "response_url": "response_url",
    "location_id": "site_id",
    "evse_uid": "evse_uid",
    "connector_id": "connector_id",
    "authorization_reference": "authorization_reference",
    "session_id": "session_id",
    "reservation_id": "reservation_id",
    "expiry_date": "expiry",
}


class Commands:
    """Reads and writes commands in one version."""

    def __init__(self, with_token: Mapping[CommandKind, type[Shape]], codec: Codec[Any, Credential]) -> None:
        self.shapes = {**COMMON, **with_token}
        self._codec = codec

    def read(self, kind: CommandKind, body: bytes | str) -> Command:
        """A command as it is received. Raises Unreadable or InvalidMember."""
        value = parse_object(body)
        shape = self.shapes[kind].read(value)
        broken = [Fault(f"{type(shape).__name__}.{name}", problem) for name, problem in shape.broken_rules()]
        if broken:
            raise InvalidMember(broken)
        given = {
            ours: getattr(shape, theirs) for theirs, ours in _MEMBERS.items() if theirs in type(shape).model_fields
        }
        credential = self._codec.inside(value["token"]) if "token" in type(shape).model_fields else None
        added = extended.CommandMembers.read(value)
        return Command(kind=kind, credential=credential, stop_scope=added.scope, quote_id=added.quote_id, **given)

    def write(self, value: Command) -> JsonObject:
        """A command as it is sent, strictly; the credential goes as it is held."""
        shape = self.shapes[value.kind]
        given = {theirs: getattr(value, ours) for theirs, ours in _MEMBERS.items() if theirs in shape.model_fields}
        added = extended.command_members(value.stop_scope, value.quote_id)
        if value.credential is None or "token" not in shape.model_fields:
            return {**written(shape.model_construct(**given)), **added}
        sent = token(part(shape, "token", Token), value.credential.value)
        body = written(shape.model_construct(**given, token=sent))
        return {**body, "token": self._codec.verbatim(value.credential), **added}


def command_reply(value: Json) -> CommandReply:
    """The immediate answer as it is received."""
    shape = CommandResponse.read(value)
    return CommandReply(CommandAnswer(shape.result), shape.timeout, shape.message[0].text if shape.message else None)


def command_response(reply: CommandReply, language: str = "en") -> JsonObject:
    """The immediate answer as it is sent."""
    told = message(reply.message, language)
    return written(CommandResponse.model_construct(result=reply.answer, timeout=reply.timeout_seconds, message=told))


def command_result(body: bytes | str) -> tuple[CommandResult, str | None]:
    """The outcome as it is received, and a word for the driver."""
    shape = CommandResultBody.read(parse_object(body))
    return CommandResult(shape.result), shape.message[0].text if shape.message else None


def command_result_body(result: CommandResult, text: str | None = None, language: str = "en") -> JsonObject:
    """The outcome as it is sent."""
    return written(CommandResultBody.model_construct(result=result, message=message(text, language)))
