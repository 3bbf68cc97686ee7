"""What a charging point is and does, in the driver's words."""

from datetime import datetime

from app.problems import problem_words
from app.text import Text
from app.widgets.site_status import SiteStatus
from core.driver_messages import Availability, ConnectorView, EvseView

_STATUS = {
    "AVAILABLE": SiteStatus.FREE,
    "CHARGING": SiteStatus.BUSY,
    "BLOCKED": SiteStatus.BUSY,
    "RESERVED": SiteStatus.BUSY,
    "INOPERATIVE": SiteStatus.OUT_OF_ORDER,
    "OUTOFORDER": SiteStatus.OUT_OF_ORDER,
    "PLANNED": SiteStatus.OUT_OF_ORDER,
}
_AVAILABILITY = {
    Availability.FREE: SiteStatus.FREE,
    Availability.PARTLY: SiteStatus.PARTLY,
    Availability.BUSY: SiteStatus.BUSY,
    Availability.OUT_OF_ORDER: SiteStatus.OUT_OF_ORDER,
    Availability.UNKNOWN: SiteStatus.UNKNOWN,
}
_NAMES = {
    "CHADEMO": "CHAdeMO",
    "CHAOJI": "ChaoJi",
    "DOMESTIC_F": "Schuko",
    "GBT_AC": "GB/T AC",
    "GBT_DC": "GB/T DC",
    "IEC_62196_T1": "Type 1",
    "IEC_62196_T1_COMBO": "CCS 1",
    "IEC_62196_T2": "Type 2",
    "IEC_62196_T2_COMBO": "CCS",
    "IEC_62196_T3A": "Type 3A",
    "IEC_62196_T3C": "Type 3C",
    "TESLA_R": "Tesla Roadster",
    "TESLA_S": "Tesla",
}
CONNECTORS = ("CCS", "Type 2", "CHAdeMO", "Schuko", "Type 1", "Tesla")
"""The connectors one can filter by, as the home-CSP reads them."""


def site_status(availability: Availability) -> SiteStatus:
    """A site's status as the widgets show it."""
    return _AVAILABILITY[availability]


def evse_status(status: str) -> SiteStatus:
    """A charging point's status as the widgets show it; what is not known here is unknown, never free."""
    return _STATUS.get(status, SiteStatus.UNKNOWN)


def connector_name(standard: str) -> str:
    """What drivers call a connector."""
    return _NAMES.get(standard, standard.replace("_", " "))


def connector_words(connector: ConnectorView, text: Text) -> str:
    """Name, the letter of EN 17186 where it is known, power: `CCS (K) · 50 kW`."""
    letter = f" ({connector.label})" if connector.label else ""
    name = connector_name(connector.standard) + letter
    return text.say("site.connector", connector=name, power=text.power(connector.max_kw))


def status_words(status: str, at: datetime, source: str, now: datetime, text: Text) -> str:
    """A status with its age and where it is from. What is too old to count says when it was last heard."""
    age, shown = text.ago(now - at), evse_status(status)
    if shown is SiteStatus.UNKNOWN and source == "import":
        return text.say("status.not_told")
    if shown is SiteStatus.UNKNOWN:
        return text.say("status.too_old", age=age)
    word = text.say("status.reserved") if status == "RESERVED" else text.say(shown.word)
    if not source:
        return f"{word}, {age}"
    return text.say("status.heard", status=word, age=age, source=text.say(f"status.source.{source}"))


def label_of(evse: EvseView) -> str:
    """What the post must read: its label, else the EVSE id, else the operator's own name for it."""
    return evse.label or evse.evse_id or evse.uid


def refusal_words(evse: EvseView, text: Text) -> tuple[str, str] | None:
    """Why one cannot start there, and what to do; None where one can."""
    problem = evse.refusal
    return None if problem is None else problem_words(text, problem.code, problem.message, problem.next_step)
