"""Which service of an agreement a module of plain OCPI or a command belongs to; closed to whoever has not agreed.

The same table holds for what partners ask of us and for what we ask of them. A module that is not in it is open to
nobody: whoever adds one says here what it belongs to.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from core.endpoint.agreement import Agreement
from core.endpoint.exchange import Answer, Handler, Request, Route
from core.endpoint.partner import Partner
from core.endpoint.ports import Command, CommandKind
from core.endpoint.rejection import Rejection
from core.errors import Refused
from core.model.credentials import CredentialKind
from core.model.parties import ObjectKey
from core.model.services import Service

NOT_AGREED = "not_agreed"
"""The code of an error that says: the agreement does not cover this."""

SERVICES: dict[str, Service] = {
    "locations": Service.SITES,
    "tariffs": Service.TARIFFS,
    "tokens": Service.OFFLINE_IDENTIFICATION,
    "sessions": Service.SESSIONS,
    "cdrs": Service.SDRS,
    "chargingprofiles": Service.CHARGING_PREFERENCES,
    "bookings": Service.RESERVATIONS,
    "invoicereconciliation": Service.RECONCILIATION,
}
"""By module, but for the paths in `_OTHER_SERVICES` and for commands."""

_OTHER_SERVICES = {
    ("tokens", "authorize"): Service.LOCAL_START,
    ("sessions", "charging_preferences"): Service.CHARGING_PREFERENCES,
}
_COMMANDS: dict[CommandKind, Service] = {
    CommandKind.START_SESSION: Service.REMOTE_START,
    CommandKind.STOP_SESSION: Service.REMOTE_START,
    CommandKind.RESERVE_NOW: Service.RESERVATIONS,
    CommandKind.CANCEL_RESERVATION: Service.RESERVATIONS,
    CommandKind.UNLOCK_CONNECTOR: Service.EMERGENCY_UNLOCK,
}
_FINISHING = {CommandKind.STOP_SESSION, CommandKind.CANCEL_RESERVATION}
_OPEN = {"hubclientinfo"}
"""Says who is reachable, which is part of being connected."""


def gated(routes: Iterable[Route]) -> Iterator[Route]:
    """The routes of plain OCPI, each closed to whoever has not agreed to its service."""
    for route in routes:
        if route.module in _OPEN:
            yield route
        elif route.module != "commands":
            yield replace(route, handler=within_agreement(_service_of(route), route.handler))
        elif route.interface == "RECEIVER":
            yield replace(route, handler=_command_within_agreement(route.handler))
        else:
            yield route  # the outcome of a command that we sent


def within_agreement(service: Service, handler: Handler) -> Handler:
    """The handler, that answers 403 to whoever has not agreed to the service, or no longer."""

    async def handle(request: Request) -> Answer:
        if (why := request.partner.agreement.why_not(service, request.received_at)) is not None:
            raise Rejection(f"Our agreement {why}.", 403)
        return await handler(request)

    return handle


def _command_within_agreement(handler: Handler) -> Handler:
    async def handle(request: Request) -> Answer:
        agreement, named = request.partner.agreement, request.path["command"]
        kind = CommandKind(named) if named in set(CommandKind) else None
        if kind is not None and (why := _why_no_command(agreement, kind, request.received_at)) is not None:
            raise Rejection(f"Our agreement {why}.", 403)
        return await handler(request)

    return handle


def require_agreed(partner: Partner, service: Service, at: datetime) -> None:
    """Raise Refused (not_agreed) where the agreement with a partner does not cover the service now."""
    if (why := partner.agreement.why_not(service, at)) is not None:
        raise _refused(partner, why)


def require_command(partner: Partner, command: Command, at: datetime) -> None:
    """Raise Refused (not_agreed) where a command to a partner is outside the agreement.

    By its kind, its site or its credential.
    """
    if (why := _why_no_command(partner.agreement, command.kind, at)) is not None:
        raise _refused(partner, why)
    if command.site_id is not None and not any(
        partner.agreement.has_site(f"{role.party}/{command.site_id}") for role in partner.roles
    ):
        raise _refused(partner, f"does not cover the site {command.site_id}")
    if command.credential is not None:
        require_kind(partner, command.credential.value.kind)


def require_kind(partner: Partner, kind: CredentialKind) -> None:
    """Raise Refused (not_agreed) where no identification method that is agreed shows such a credential."""
    if not partner.agreement.admits(kind):
        raise _refused(partner, f"accepts no identification by {kind}")


def require_site(partner: Partner, key: ObjectKey) -> None:
    """Raise Refused (not_agreed) for a site outside the agreement."""
    if not partner.agreement.has_site(key):
        raise _refused(partner, f"does not cover the site {key.id}")


def require_tariff(partner: Partner, key: ObjectKey, currency: str) -> None:
    """Raise Refused (not_agreed) for a tariff outside the agreement, or in a currency that it does not have."""
    if not partner.agreement.has_tariff(key):
        raise _refused(partner, f"does not cover the tariff {key.id}")
    if not partner.agreement.has_currency(currency):
        raise _refused(partner, f"does not have the currency {currency[:3]}")


def _service_of(route: Route) -> Service:
    last = route.path.rpartition("/")[2]
    return _OTHER_SERVICES.get((route.module, last)) or SERVICES[route.module]


def _why_no_command(agreement: Agreement, kind: CommandKind, at: datetime) -> str | None:
    """None for what stops or cancels also after the agreement's end."""
    service = _COMMANDS[kind]
    return None if kind in _FINISHING and agreement.finishes(service) else agreement.why_not(service, at)


def _refused(partner: Partner, why: str) -> Refused:
    return Refused(
        f"The agreement with {partner.name} {why}",
        code=NOT_AGREED,
        next_step="Ask the operators of both platforms to agree on it.",
    )
