"""All checks, in the order of the use cases."""

from core.walks.conformance.bench import Bench
from core.walks.conformance.charging import CHARGING
from core.walks.conformance.check import Check
from core.walks.conformance.identification import IDENTIFICATION, LOCAL_START
from core.walks.conformance.information import INFORMATION
from core.walks.conformance.plans import PLAN_UPDATES, PLANS
from core.walks.conformance.platforms import PLATFORMS
from core.walks.conformance.plug_and_charge import PLUG_AND_CHARGE
from core.walks.conformance.prices import PRICES
from core.walks.conformance.records import RECORDS
from core.walks.conformance.remote_start import REMOTE_START
from core.walks.conformance.reserving import RESERVING
from core.walks.conformance.support import SUPPORT

CHECKS: tuple[Check[Bench], ...] = (
    *PLATFORMS,
    *INFORMATION,
    *PRICES,
    *LOCAL_START,
    *REMOTE_START,
    *PLUG_AND_CHARGE,
    *CHARGING,
    *PLANS,
    *RESERVING,
    *RECORDS,
    *PLAN_UPDATES,
    *IDENTIFICATION,
    *SUPPORT,
)
"""In the order of their clauses."""
