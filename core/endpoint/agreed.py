"""Holds what partners send to their agreement (5.4.6), pushed and pulled alike.

Sites, tariffs and currencies that are agreed, prefixes of ids where they bind, identification methods. No
agreement has a term for prices below nothing, so that a tariff with one is refused (UC2-1) [J].
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar

from core.endpoint.gates import require_kind, require_site, require_tariff
from core.endpoint.modules.objects import key_of
from core.endpoint.partner import Partner
from core.endpoint.ports import (
    Authorisation,
    AuthorisationRequest,
    Authoriser,
    Command,
    CommandReceiver,
    CommandReply,
    CredentialReceiver,
    Held,
    ObjectReceiver,
    Ports,
    RemovableReceiver,
    SdrReceiver,
    StatusChange,
    StatusReceiver,
)
from core.errors import InvalidInput
from core.model.credentials import Credential, CredentialKind
from core.model.identifiers.types import ContractId, EvseId
from core.model.parties import ObjectKey, Party
from core.model.sdr import Sdr
from core.model.session_report import SessionReport
from core.model.sites import Site
from core.model.tariffs import Tariff

M = TypeVar("M")
Check = Callable[[Partner, Any], None]


def within_agreement(ports: Ports) -> Ports:
    """The same ports, that refuse with Refused or InvalidInput what the partner's agreement does not allow."""
    return replace(
        ports,
        sites=None if ports.sites is None else _Objects(ports.sites, _check_site),
        statuses=None if ports.statuses is None else _Statuses(ports.statuses),
        tariffs=None if ports.tariffs is None else _RemovableObjects(ports.tariffs, _check_tariff),
        credentials=None if ports.credentials is None else _Credentials(ports.credentials),
        sessions=None if ports.sessions is None else _Objects(ports.sessions, _check_session),
        sdrs=None if ports.sdrs is None else _Sdrs(ports.sdrs),
        commands=None if ports.commands is None else _Commands(ports.commands),
        authoriser=None if ports.authoriser is None else _Authoriser(ports.authoriser),
    )


class _Objects(Generic[M]):
    def __init__(self, port: ObjectReceiver[M], check: Check) -> None:
        self._port = port
        self._check = check

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        return await self._port.held(partner, key)

    async def put(self, partner: Partner, key: ObjectKey, held: Held[M]) -> None:
        self._check(partner, held.value)
        await self._port.put(partner, key, held)


class _Statuses:
    def __init__(self, port: StatusReceiver) -> None:
        self._port = port

    async def put_status(self, partner: Partner, site: ObjectKey, change: StatusChange) -> None:
        require_site(partner, site)
        await self._port.put_status(partner, site, change)


class _RemovableObjects(_Objects[M]):
    def __init__(self, port: RemovableReceiver[M], check: Check) -> None:
        super().__init__(port, check)
        self._removable = port

    async def remove(self, partner: Partner, key: ObjectKey) -> bool:
        return await self._removable.remove(partner, key)


class _Credentials:
    def __init__(self, port: CredentialReceiver) -> None:
        self._port = port

    async def held(self, partner: Partner, key: ObjectKey, kind: CredentialKind) -> str | None:
        return await self._port.held(partner, key, kind)

    async def put(self, partner: Partner, key: ObjectKey, held: Held[Credential]) -> None:
        _check_credential(partner, held.value)
        await self._port.put(partner, key, held)


class _Sdrs:
    def __init__(self, port: SdrReceiver) -> None:
        self._port = port

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        return await self._port.held(partner, key)

    async def submit(self, partner: Partner, held: Held[Sdr]) -> None:
        _require_currency(partner, held.value.currency)
        await self._port.submit(partner, held)


class _Commands:
    def __init__(self, port: CommandReceiver) -> None:
        self._port = port

    async def command(self, partner: Partner, command: Command) -> CommandReply:
        if command.credential is not None:
            _check_credential(partner, command.credential.value)
        return await self._port.command(partner, command)


class _Authoriser:
    def __init__(self, port: Authoriser) -> None:
        self._port = port

    async def authorise(self, partner: Partner, request: AuthorisationRequest) -> Authorisation | None:
        require_kind(partner, request.kind)
        return await self._port.authorise(partner, request)


def _check_credential(partner: Partner, credential: Credential) -> None:
    require_kind(partner, credential.kind)
    if partner.agreement.prefixes_bind:
        _require_prefix(partner, ContractId.parse(credential.contract_id).party_id)


def _check_site(partner: Partner, site: Site) -> None:
    require_site(partner, key_of(site))
    if partner.agreement.prefixes_bind:
        for evse in site.equipment:
            if evse.evse_id is not None:
                _require_prefix(partner, EvseId.parse(evse.evse_id).party_id)


def _check_tariff(partner: Partner, tariff: Tariff) -> None:
    require_tariff(partner, key_of(tariff), tariff.currency)
    if any(component.price < 0 for element in tariff.elements for component in element.components):
        raise InvalidInput("The tariff has a negative price, and the agreement provides for none.")


def _check_session(partner: Partner, report: SessionReport) -> None:
    _require_currency(partner, report.currency)


def _require_prefix(partner: Partner, named: object) -> None:
    if not partner.speaks_for(Party.parse(str(named))):
        raise InvalidInput(f"The id begins with {named}, and the agreement binds ids to the parties of the partner.")


def _require_currency(partner: Partner, currency: str) -> None:
    if not partner.agreement.has_currency(currency):
        agreed = ", ".join(partner.agreement.currencies)
        raise InvalidInput(f"{currency[:3]} is no currency of the agreement, which has {agreed}.")
