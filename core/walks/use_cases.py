"""The registry of the use cases of IEC 63119-2: number, clause, title, where each is in the code, how it is tested.

`where` names modules of both sides, `tested` the tests beside the walks; both are empty where a use case is not offered
yet. Titles and clauses are the standard's own; which module answers to which clause is ours to say.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class UseCase:
    """One of the 20 use cases. id: such as `UC3-2`; clause: of IEC 63119-2."""

    id: str
    clause: str
    title: str
    where: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()

    @property
    def offered(self) -> bool:
        """Whether anything in the code answers to it."""
        return bool(self.where)


USE_CASES: tuple[UseCase, ...] = (
    UseCase(
        "UC1-1",
        "8.1.1",
        "Platform authentication",
        ("core.endpoint.registration", "core.endpoint.partners", "core.endpoint.tls"),
        ("tests/endpoint/test_credentials.py", "tests/endpoint/test_tls.py", "tests/endpoint/test_server.py"),
    ),
    UseCase(
        "UC1-2",
        "8.1.2",
        "Sites information exchange",
        ("core.visited_cso.sites", "core.home_csp.sites"),
        ("tests/endpoint/test_exchange_locations.py",),
    ),
    UseCase(
        "UC1-3",
        "8.1.3",
        "Sharing dynamic status of EV supply equipment",
        ("core.visited_cso.sites", "core.home_csp.sites"),
        ("tests/endpoint/test_exchange_locations.py",),
    ),
    UseCase(
        "UC2-1",
        "8.2.1",
        "Inform home-CSP on tariff information",
        ("core.visited_cso.tariffs", "core.home_csp.tariffs"),
        ("tests/endpoint/test_exchange_modules.py",),
    ),
    UseCase(
        "UC2-2",
        "8.2.2",
        "home-CSP request tariffs from visited-CSO",
        (
            "core.visited_cso.tariffs",
            "core.endpoint.synchronisation",
            "core.home_csp.quoting",
            "core.endpoint.extensions.quotes",
            "core.visited_cso.quotes",
            "core.home_csp.binding_quotes",
        ),
        (
            "tests/network/test_binding_quotes.py",
            "tests/endpoint/test_exchange_modules.py",
            "tests/network/test_main_job.py",
        ),
    ),
    UseCase(
        "UC3-1",
        "8.3.1",
        "Start charging roaming locally at the EV supply equipment",
        ("core.visited_cso.energy_transfer.local_start", "core.home_csp.energy_transfer.local_sessions"),
        ("tests/network/test_local_start.py", "tests/network/test_local_start_guards.py"),
    ),
    UseCase(
        "UC3-2",
        "8.3.2",
        "Start charging roaming remotely from home-CSP",
        ("core.home_csp.energy_transfer.start", "core.visited_cso.energy_transfer.start"),
        ("tests/network/test_main_job.py", "tests/network/test_refusals.py"),
    ),
    UseCase(
        "UC3-3",
        "8.3.3",
        "Start charging roaming by PnC",
        ("core.visited_cso.plug_and_charge", "core.home_csp.plug_and_charge", "core.endpoint.contract_certificates"),
        ("tests/network/test_plug_and_charge.py",),
    ),
    UseCase(
        "UC3-4",
        "8.3.4",
        "Stop energy transfer session via home-CSP",
        (
            "core.home_csp.energy_transfer.stop",
            "core.visited_cso.energy_transfer.stop",
            "core.endpoint.extensions.energytransfers",
        ),
        ("tests/network/test_stop_scope.py", "tests/network/test_main_job.py", "tests/home_csp/test_stopping.py"),
    ),
    UseCase(
        "UC3-5",
        "8.3.5",
        "Complete a charging service transaction in a roaming scenario",
        ("core.visited_cso.energy_transfer.completion", "core.home_csp.energy_transfer.progress"),
        ("tests/network/test_main_job.py",),
    ),
    UseCase(
        "UC3-6",
        "8.3.6",
        "Collect dynamic charging information",
        (
            "core.visited_cso.energy_transfer.progress",
            "core.visited_cso.energy_transfer.updates",
            "core.home_csp.energy_transfer.progress",
            "core.home_csp.energy_transfer.updates",
            "core.endpoint.extensions.dynamicinformation",
        ),
        ("tests/network/test_dynamic_information.py", "tests/network/test_main_job.py"),
    ),
    UseCase(
        "UC3-7",
        "8.3.7",
        "Charge plan exchange",
        (
            "core.home_csp.energy_transfer.plans",
            "core.visited_cso.energy_transfer.plans",
            "core.home_csp.energy_transfer.profiles",
            "core.visited_cso.energy_transfer.profiles",
            "core.endpoint.extensions.chargeplans",
            "core.endpoint.modules.charging_profiles",
            "core.endpoint.modules.charging_preferences",
        ),
        (
            "tests/network/test_charge_plans.py",
            "tests/network/test_charging_profiles.py",
            "tests/model/test_charge_planning.py",
        ),
    ),
    UseCase(
        "UC3-8",
        "8.3.8",
        "Reservation of an EV supply equipment",
        (
            "core.home_csp.energy_transfer.reservations",
            "core.home_csp.energy_transfer.bookings",
            "core.home_csp.booking_locations",
            "core.visited_cso.energy_transfer.reservations",
            "core.visited_cso.energy_transfer.bookings",
            "core.visited_cso.energy_transfer.booking_record",
            "core.endpoint.extensions.bookings",
            "core.endpoint.extensions.bookinglocations",
        ),
        (
            "tests/network/test_reservations.py",
            "tests/network/test_reservation_commands.py",
            "tests/network/test_bookings.py",
            "tests/network/test_booking_calendars.py",
            "tests/app/test_reserve.py",
        ),
    ),
    UseCase(
        "UC3-9",
        "8.3.9",
        "SDR information exchange",
        (
            "core.visited_cso.energy_transfer.sdr",
            "core.visited_cso.sdr_verdicts",
            "core.visited_cso.reporting",
            "core.home_csp.energy_transfer.sdr",
            "core.home_csp.sdr_verdicts",
            "core.home_csp.reporting",
        ),
        (
            "tests/network/test_main_job.py",
            "tests/network/test_sdr_verdicts.py",
            "tests/network/test_clearing.py",
            "tests/endpoint/test_exchange_modules.py",
        ),
    ),
    UseCase(
        "UC3-10",
        "8.3.10",
        "Update charge plan by visited-CSO",
        (
            "core.home_csp.energy_transfer.plans",
            "core.visited_cso.energy_transfer.plans",
            "core.visited_cso.energy_transfer.profiles",
            "core.endpoint.extensions.chargeplans",
        ),
        ("tests/network/test_charge_plans.py", "tests/network/test_charging_profiles.py"),
    ),
    UseCase(
        "UC4-1",
        "8.4.1",
        "Support online identification of the user at a visited-CSO",
        ("core.visited_cso.identification", "core.home_csp.authorising"),
        (
            "tests/network/test_local_start.py",
            "tests/network/test_local_start_guards.py",
            "tests/endpoint/test_exchange_modules.py",
        ),
    ),
    UseCase(
        "UC4-2",
        "8.4.2",
        "Pre-distribution of information for offline identification",
        ("core.home_csp.contracts", "core.home_csp.telling", "core.visited_cso.identification"),
        (
            "tests/network/test_credential_lists.py",
            "tests/network/test_local_start.py",
            "tests/network/test_local_start_guards.py",
            "tests/endpoint/test_exchange_modules.py",
        ),
    ),
    UseCase(
        "UC5-1",
        "8.5.1",
        "Maintenance/outage information",
        ("core.visited_cso.outages", "core.home_csp.outages", "core.endpoint.extensions.servicenotices"),
        ("tests/network/test_notices.py", "tests/app/test_notices.py", "tests/commands/test_notice_command.py"),
    ),
    UseCase(
        "UC5-2",
        "8.5.2",
        "Emergency cable unlocking after charging service activated",
        ("core.home_csp.cable_unlock", "core.visited_cso.cable_unlock", "core.endpoint.extensions.emergencyunlocks"),
        ("tests/network/test_emergency_unlock.py", "tests/app/test_unlock.py", "tests/commands/test_unlock_command.py"),
    ),
    UseCase(
        "UC5-3",
        "8.5.3",
        "Emergency cable unlocking for charging service activation failed",
        ("core.home_csp.cable_unlock", "core.visited_cso.cable_unlock", "core.endpoint.extensions.emergencyunlocks"),
        ("tests/network/test_emergency_unlock.py",),
    ),
)

CLAUSES: dict[str, str] = {
    "5.4.3": "Privacy",
    "5.6": "Identification methods",
    "A.1": "Peer-to-peer roaming by QR code scanning",
    "A.2": "Charging site navigation service",
    "A.3": "Peer-to-peer roaming by RFID card",
}
"""Clauses that a step of a walk may answer to where it belongs to no use case."""


def title_of(reference: str) -> str:
    """The title of a use case or clause. Raises KeyError for one that the registry has not."""
    found = next((one.title for one in USE_CASES if one.id == reference), None)
    return CLAUSES[reference] if found is None else found


def clause_of(use_case: str) -> str:
    """The clause of a use case. Raises KeyError for one that the registry has not."""
    found = next((one.clause for one in USE_CASES if one.id == use_case), None)
    if found is None:
        raise KeyError(use_case)
    return found
