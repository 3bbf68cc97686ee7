"""What all bodies of the driver API are made of."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

AskedMoment = Annotated[AwareDatetime, Field(ge=datetime(1000, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC))]
"""A moment that a driver asks for: far enough from the calendar's ends for any time zone, and to add time to."""


class Message(BaseModel):
    """A frozen body; unknown members of a newer platform are ignored."""

    model_config = ConfigDict(frozen=True)


class Problem(Message):
    """Why something was refused: a stable code, a sentence, a next step."""

    code: str
    message: str
    next_step: str = ""


class Money(Message):
    """An amount that the driver pays, taxes included, in its ISO 4217 currency."""

    amount: Decimal
    currency: str
