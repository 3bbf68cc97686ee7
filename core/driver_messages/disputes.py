"""A driver says that a bill is wrong."""

from pydantic import BaseModel, ConfigDict, Field


class DisputeRequest(BaseModel):
    """note: which line, and what is wrong with it; it stays with the home-CSP."""

    model_config = ConfigDict(frozen=True)

    note: str = Field(default="", max_length=500)
