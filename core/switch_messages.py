"""Bodies of the admin API of a clearing house: who may exchange what, what passed, what waits."""

from datetime import datetime

from pydantic import Field

from core.admin_messages import AdminMessage
from core.clearing_house.agreements import HubAgreement
from core.model.parties import Party


class HubAgreements(AdminMessage):
    """All agreements under which something passes the switch, by party."""

    agreements: tuple[HubAgreement, ...]


class HubPair(AdminMessage):
    """Two parties."""

    one: Party
    other: Party


class PassedMessage(AdminMessage):
    """A row of the switch's log: what passed, when, and for which session or SDR. kind: request, answer, queued, …"""

    sequence: int
    at: datetime
    kind: str
    sender: str
    receiver: str | None
    service: str | None
    method: str
    path: str
    session_id: str | None
    sdr_id: str | None
    http_status: int | None
    status_code: int | None
    hash: str


class PassedMessages(AdminMessage):
    """The rows that were asked for, oldest first."""

    messages: tuple[PassedMessage, ...]


class PassedQuery(AdminMessage):
    """Which rows: of a session, of an SDR, of an exchange, after a row."""

    session_id: str | None = Field(default=None, max_length=36)
    sdr_id: str | None = Field(default=None, max_length=39)
    authorization_reference: str | None = Field(default=None, max_length=36)
    correlation_id: str | None = Field(default=None, max_length=64)
    after: int = 0
    limit: int = Field(default=200, ge=1, le=10_000)


class ChainAudit(AdminMessage):
    """The log looked through: broken_at is the first row that does not fit, None where all do. Note last_hash."""

    rows: int
    last_hash: str
    broken_at: int | None


class WaitingMessage(AdminMessage):
    """A message that is kept for its receiver; refused: it was delivered in vain and waits for a person."""

    sender: str
    receiver: str
    path: str
    queued_at: datetime
    attempts: int
    last_error: str | None
    refused: bool


class WaitingMessages(AdminMessage):
    """All of them, oldest first."""

    messages: tuple[WaitingMessage, ...]
