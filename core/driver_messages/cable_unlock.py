"""Emergency unlocking, as a driver asks for it and follows it (UC5-2, UC5-3)."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from core.model.cable_unlock import UnlockCode, UnlockState


class UnlockAsked(BaseModel):
    """The cable is stuck: ask a person of the home-CSP. `request_id` makes a repeated request harmless."""

    model_config = ConfigDict(frozen=True)

    request_id: str = Field(pattern=r"^[A-Za-z0-9_\-]{1,36}$")
    reason: str = Field(default="", max_length=200)


class UnlockView(BaseModel):
    """Where a request stands; code: why it did not come about."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: UnlockState
    code: UnlockCode | None = None
    requested_at: datetime
    at: datetime
