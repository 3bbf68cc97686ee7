"""How the modules of a clearing house read and write their bodies: strict JSON, decimals as numbers, UTC with Z.

What crosses is the model's own values; a record of a session alone has a shape on the wire, as it holds tariffs.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from core.endpoint.ocpi.kinds import write_timestamp
from core.endpoint.ocpi.reading import Json, parse, to_text
from core.endpoint.ocpi.shape import InvalidMember, faults_of
from core.endpoint.partner import Partner
from core.endpoint.rejection import Rejection
from core.errors import Unreachable
from core.model.parties import Party

M = TypeVar("M", bound=BaseModel)


def written(value: BaseModel) -> str:
    """A value as JSON text."""
    return to_text(_json(value.model_dump(exclude_none=True)))


def read(kind: type[M], body: bytes | str | Json) -> M:
    """A value from JSON. Raises Unreadable, InvalidMember."""
    value = parse(body) if isinstance(body, bytes | str) else body
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise InvalidMember(faults_of(error, kind.__name__)) from None


def read_answer(kind: type[M], data: Json) -> M:
    """A value from a partner's answer. Raises Unreachable (unreadable_answer)."""
    try:
        return read(kind, data)
    except InvalidMember as error:
        raise Unreachable(f"The partner's answer cannot be read: {error.message}", code="unreadable_answer") from error


def require_side(partner: Partner, *sides: Party) -> Party:
    """That of the parties for which the partner speaks. Raises Rejection 404 where it is none of them."""
    party = next((side for side in sides if partner.speaks_for(side)), None)
    if party is None:
        raise Rejection("There is nothing of yours here.", 404)
    return party


def _json(value: Any) -> Json:  # Any: what pydantic dumps
    match value:
        case dict():
            return {str(name): _json(member) for name, member in value.items()}
        case list() | tuple():
            return [_json(item) for item in value]
        case datetime():
            return write_timestamp(value.astimezone(UTC))
        case Decimal() | bool() | int() | None:
            return value
    return str(value)
