"""`evroam conformance --partner`: our home-CSP against a foreign OCPI partner, use case by use case."""

from core.clock import WallClock
from core.endpoint.extensions import bookings, chargeplans, emergencyunlocks, energytransfers, sdrs
from core.network import Via
from core.walks.conformance import foreign_charging as charging
from core.walks.conformance import foreign_information as information
from core.walks.conformance.check import Check
from core.walks.conformance.foreign_bench import ForeignBench, Meeting, foreign_bench
from core.walks.conformance.report import ConformanceRun
from core.walks.conformance.running import Combination, OnResult, run_checks, run_of

_WALL = WallClock()

_UNLOCKS = charging.offered(
    emergencyunlocks.MODULE,
    "RECEIVER",
    "An emergency unlock is refused, and never becomes a bare UNLOCK_CONNECTOR.",
    "It is offered, and never asked of a foreign partner here: it would release a cable.",
)
_PLANS = charging.offered(
    chargeplans.MODULE,
    "RECEIVER",
    "Drivers say their preferences on plain OCPI at most, without prices or consent.",
    "It is offered; a plan needs a session that goes on.",
)

FOREIGN_CHECKS: tuple[Check[ForeignBench], ...] = (
    Check("UC1-1", "registered", "it registers us as an operator does, and gives new tokens", information.registered),
    Check("UC1-1", "stranger", "refused: a token that it never made", information.stranger),
    Check("UC1-2", "sites", "its sites can be read, page by page", information.sites),
    Check("UC1-3", "statuses", "each EVSE has a status", information.statuses),
    Check("UC2-1", "tariffs", "its tariffs can be read", information.tariffs),
    Check("UC2-2", "price", "a driver gets a quote out of its tariffs", information.priced),
    Check("UC2-2", "binding_quote", "it binds itself to a quote", information.bound),
    Check(
        "UC3-1",
        "card",
        "a card starts at its post",
        charging.needs(
            "It begins at the post: hold a card of a contract of yours to it, under a registration that stays."
        ),
    ),
    Check("UC3-2", "start", "it starts at the post that was named", charging.started),
    Check("UC3-2", "start_refused", "refused: a start at a site that is not there", charging.start_refused),
    Check(
        "UC3-3",
        "vehicle",
        "a vehicle starts by its contract certificate",
        charging.needs(
            "It begins at the post: plug in a vehicle with a contract certificate that the operator trusts."
        ),
    ),
    Check("UC3-4", "stop", "our stop ends the session", charging.stopped),
    Check("UC3-4", "stop_refused", "refused: a stop of a session that is not there", charging.stop_refused),
    Check(
        "UC3-4",
        "stop_energy",
        "a stop of the energy transfer alone",
        charging.offered(
            energytransfers.MODULE,
            "RECEIVER",
            "A stop of the energy transfer alone is refused, and never becomes the stop of the whole session.",
            "It is offered; it needs a session that goes on.",
        ),
    ),
    Check("UC3-5", "completed", "the session has a beginning, an end and its energy", charging.completed),
    Check("UC3-6", "progress", "energy is told while it flows", charging.progress),
    Check("UC3-6", "sessions", "its sessions can be asked for", information.sessions),
    Check("UC3-7", "plan", "charge plans", _PLANS),
    Check(
        "UC3-8",
        "reservation_refused",
        "refused: a reservation at a site that is not there",
        charging.reservation_refused,
    ),
    Check(
        "UC3-8",
        "booking",
        "a reservation for later",
        charging.offered(
            bookings.MODULE, "SENDER", "Posts are reserved from now on alone.", "It is offered, and not tried here."
        ),
    ),
    Check("UC3-9", "bill", "the bill comes, and its own tariff proves it", charging.billed),
    Check("UC3-9", "bills", "its bills can be asked for", information.bills),
    Check(
        "UC3-9",
        "verdicts",
        "it hears what became of a bill",
        charging.offered(
            sdrs.MODULE,
            "RECEIVER",
            "A dispute has to reach its operator by other means.",
            "It is offered, and not tried here.",
        ),
    ),
    Check("UC3-10", "plan_updated", "updates of charge plans", _PLANS),
    Check(
        "UC4-1",
        "asked",
        "it asks us about a card",
        charging.needs("It asks by itself when a card that is on no list is held to a post."),
    ),
    Check("UC4-2", "credentials", "it takes the credentials of a driver", information.credentials),
    Check(
        "UC5-1",
        "notices",
        "it announces maintenance and outages",
        charging.needs(
            "It announces by itself, and only where both have agreed on notices; else the status alone tells."
        ),
    ),
    Check("UC5-2", "unlock", "emergency unlock of a charging car", _UNLOCKS),
    Check("UC5-3", "failed_start", "emergency unlock after a failed start", _UNLOCKS),
)
"""In the order of their clauses, success and refusals, as far as they harm nobody."""


async def run_with_partner(meeting: Meeting, *, on_result: OnResult | None = None) -> ConformanceRun:
    """Meet the partner, run the checks, and leave it as it was. Raises as `foreign_bench`."""
    started_at = _WALL.now()
    async with foreign_bench(meeting) as stand:
        on = Combination(Via.P2P, stand.partner.version or "")
        results = await run_checks(FOREIGN_CHECKS, stand, on, on_result)
    return run_of(started_at, results, partner=meeting.url)
