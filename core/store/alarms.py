"""Alarms: what somebody has to look at, logged and kept as events in the transaction that met it."""

from datetime import datetime

import structlog
from sqlalchemy import Connection

from core.store.events import append_event

ALARMS = "alarms"
"""The stream of their events."""

log = structlog.get_logger(__name__)


def raise_alarm(connection: Connection, kind: str, *, at: datetime, **facts: str) -> None:
    """To be called inside `Store.write`. kind: the code of what happened; facts: nothing that names a driver."""
    log.error(kind, **facts)
    append_event(connection, stream=ALARMS, kind=kind, at=at, body={**facts})
