"""A walk that is told and not walked: the values that a guide would bring, for pictures of the Walk screen."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from app.walk_values import (
    Found,
    Lane,
    LoggedText,
    Outcome,
    PlannedStep,
    Route,
    Said,
    Situation,
    WalkedStep,
)
from core.driver_client import DriverClient

AT = datetime(2026, 11, 22, 13, 31, tzinfo=UTC)
NAMES = {
    Lane.HOME_CSP: "home-CSP NL*EVR",
    Lane.CLEARING_HOUSE: "clearing house NL*RCH",
    Lane.VISITED_CSO: "visited-CSO DE*KPF",
    None: "unknown",
}
HOME, HOUSE, CSO = Lane.HOME_CSP, Lane.CLEARING_HOUSE, Lane.VISITED_CSO


def said(
    sender: Lane | None, receiver: Lane, kind: str, path: str, *, http: int | None = 200, ocpi: int | None = 1000,
    took: int = 3,
) -> Said:  # fmt: skip
    return Said(
        f"{kind}-{path}", AT, sender, receiver, NAMES[sender], NAMES[receiver], kind.split()[0], path, kind, http, ocpi,
        took,
    )  # fmt: skip


START = "/ocpi/2.3.0/receiver/commands/START_SESSION"
PLAN = (
    PlannedStep("authenticate", "UC1-1", HOME, CSO, "each partner connected", ("silent", "5xx")),
    PlannedStep("scan", "A.1", Lane.DRIVER, HOME, "the code is trusted", ()),
    PlannedStep("status", "UC1-3", CSO, HOME, "a change at the station arrives", ("silent", "5xx")),
    PlannedStep("start", "UC3-2", HOME, CSO, "the command is answered", ("silent", "5xx", "station-refuses")),
    PlannedStep("active", "UC3-2", CSO, HOME, "ACTIVE at both platforms", ("silent", "cable-stuck")),
)
WALKED = (
    WalkedStep("authenticate", True, "", (Found("tokens renewed", "tokens renewed", True),), (
        said(HOME, HOUSE, "POST credentials", "/ocpi/2.3.0/credentials", took=45),
        said(HOUSE, CSO, "GET versions", "/ocpi/versions", took=1377),
        said(None, CSO, "GET versions", "/ocpi/versions", http=401, ocpi=2000, took=1),
    ), 0.8),
    WalkedStep("scan", True, "", (Found("trusted", "trusted", True),), (), 0.01),
    WalkedStep("status", True, "", (Found("AVAILABLE", "AVAILABLE", True),), (
        said(CSO, HOUSE, "PATCH locations", "/ocpi/2.3.0/receiver/locations/DE/KPF/1/2", took=9),
        said(HOUSE, HOME, "PATCH locations", "/ocpi/2.3.0/receiver/locations/DE/KPF/1/2", took=4),
    ), 0.2),
    WalkedStep("start", False, "expected answer ACCEPTED, found answer none [P2]", (
        Found("answer ACCEPTED, then result ACCEPTED", "answer none, result none", False),
    ), (
        said(HOME, HOUSE, "POST commands", START, ocpi=4001, took=25356),
        said(HOUSE, CSO, "POST commands", START, http=503, ocpi=None, took=2),
    ), 2.0),
)  # fmt: skip
OUTCOME = Outcome(
    False,
    "Step 4 of 5, start (UC3-2), failed.",
    ("Objects that still wait to be sent: none.", "The session is REJECTED at the home-CSP, unknown at its operator."),
    (said(HOME, HOUSE, "GET sessions", "/ocpi/2.3.0/sender/sessions"),),
)  # fmt: skip
BODY = '{"token":{"uid":"***","contract_id":"***"},"evse_uid":"KPF-1-A1","price":0.10,"text":"[P2]"}'


class ToldGuide:
    """Tells what it was given, and never connects anybody. Implements `app.walk_values.Guide`."""

    route = Route("qr", "hub", "2.3.0")
    clause = "A.1"
    plan = PLAN
    saves_at_end = False

    def __init__(self) -> None:
        self.fault: tuple[str, str] | None = None
        self._told = iter(WALKED)

    async def begin(self) -> str:
        return "2.3.0"

    async def connect(self) -> DriverClient:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")

    def situation(self) -> Situation:
        return Situation()

    def inject(self, fault: str | None, step: str) -> None:
        self.fault = None if fault is None else (fault, step)

    async def step(self) -> WalkedStep | None:
        return next(self._told, None)

    async def end(self) -> Outcome:
        return OUTCOME

    async def text_of(self, said: Said) -> LoggedText:
        return LoggedText("c0ffee00", BODY, "" if said.http_status == 503 else '{"status_code":1000}')

    async def save_evidence(self, screens: Mapping[str, str]) -> Path:
        return Path("evidence")

    async def close(self) -> None:
        """There is nothing to take down."""
