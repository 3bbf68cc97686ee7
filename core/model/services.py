"""What an agreement may cover (IEC 63119-2, 5.4.6): a name for each service that two platforms exchange.

The clause is the standard's; the list is ours [J], one entry a use case or a part of one that can be agreed by itself.
"""

from enum import StrEnum


class Service(StrEnum):
    """One service, by the use cases in which it is exchanged."""

    SITES = "sites"
    """UC1-2 and UC1-3."""
    TARIFFS = "tariffs"
    """UC2-1 and UC2-2."""
    REMOTE_START = "remote_start"
    """UC3-2 and UC3-4."""
    LOCAL_START = "local_start"
    """UC3-1 with UC4-1: the home-CSP answers identification requests."""
    OFFLINE_IDENTIFICATION = "offline_identification"
    """UC4-2: credentials are distributed beforehand."""
    SESSIONS = "sessions"
    """UC3-5 and UC3-6."""
    SDRS = "sdrs"
    """UC3-9."""
    RESERVATIONS = "reservations"
    """UC3-8."""
    BOOKINGS = "bookings"
    """UC3-8 for later: OCPI's module of that name, which no release has yet."""
    CHARGING_PREFERENCES = "charging_preferences"
    """UC3-7 as far as plain OCPI has it."""
    QUOTES = "quotes"
    """UC2-2: a binding price for one EVSE, time and need; an extension module."""
    DYNAMIC_INFORMATION = "dynamic_information"
    """UC3-6 at the interval that the home-CSP asks for, and of one session on request; an extension module."""
    STOP_SCOPE = "stop_scope"
    """UC3-4: a stop of the energy transfer alone; an extension."""
    PLUG_AND_CHARGE = "plug_and_charge"
    """UC3-3 with the evidence of the contract certificate; an extension module."""
    CHARGE_PLANS = "charge_plans"
    """UC3-7 and UC3-10 with prices, versions and consent; an extension module."""
    SDR_VERDICTS = "sdr_verdicts"
    """UC3-9: what became of an SDR, disputes and corrections; an extension module."""
    NOTICES = "notices"
    """UC5-1; an extension module."""
    EMERGENCY_UNLOCK = "emergency_unlock"
    """UC5-2 and UC5-3; an extension module."""
    RECONCILIATION = "reconciliation"
    """6.4.2; an extension module."""
    SETTLEMENT = "settlement"
    """6.4.3; an extension module."""
    AGREEMENTS = "agreements"
    """5.4.6: the agreement itself is proposed, signed and ended over the wire; an extension module."""


EXTENSIONS: frozenset[Service] = frozenset(
    {
        Service.BOOKINGS,
        Service.QUOTES,
        Service.DYNAMIC_INFORMATION,
        Service.STOP_SCOPE,
        Service.PLUG_AND_CHARGE,
        Service.CHARGE_PLANS,
        Service.SDR_VERDICTS,
        Service.NOTICES,
        Service.EMERGENCY_UNLOCK,
        Service.RECONCILIATION,
        Service.SETTLEMENT,
        Service.AGREEMENTS,
    }
)
"""What plain OCPI lacks: exchanged only where an agreement names it."""

PLAIN: frozenset[Service] = frozenset(Service) - EXTENSIONS
"""What any partner on plain OCPI may exchange."""

BEGINNING: frozenset[Service] = frozenset(
    {
        Service.SITES,
        Service.TARIFFS,
        Service.REMOTE_START,
        Service.LOCAL_START,
        Service.OFFLINE_IDENTIFICATION,
        Service.RESERVATIONS,
        Service.BOOKINGS,
        Service.QUOTES,
        Service.PLUG_AND_CHARGE,
    }
)
"""What leads to new sessions, and stops with the agreement; all else settles what has begun."""
