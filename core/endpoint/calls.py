"""What a role asks of a partner, over the wire: the port `PartnerCalls`."""

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from core.clock import Clock
from core.endpoint.binding import Binding
from core.endpoint.gates import (
    SERVICES,
    require_agreed,
    require_command,
    require_kind,
    require_site,
    require_tariff,
)
from core.endpoint.modules import charging_preferences
from core.endpoint.modules.objects import key_of
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.envelope import Item
from core.endpoint.ocpi.kinds import write_timestamp
from core.endpoint.ocpi.paging import next_page
from core.endpoint.ocpi.reading import Json, JsonObject, to_text
from core.endpoint.ocpi.registration import ReachableParty
from core.endpoint.ocpi.shape import only_object
from core.endpoint.partner import Partner
from core.endpoint.partner_requests import PartnerRequests, Reply
from core.endpoint.ports import (
    Authorisation,
    AuthorisationRequest,
    Command,
    CommandKind,
    CommandReply,
    CommandResult,
    Held,
)
from core.endpoint.preferences import PreferencesAnswer
from core.endpoint.stored import Kind, in_version
from core.errors import InvalidInput, NotAllowed, Refused, Unreachable
from core.model.credentials import Credential
from core.model.parties import ObjectKey, Party, PartyRole, PlatformRole
from core.model.plans import PlanNeed
from core.model.sdr import Sdr
from core.model.sdr_verdicts import SdrVerdict
from core.model.services import Service
from core.model.session_report import SessionReport
from core.model.sites import Site
from core.model.tariffs import Tariff

M = TypeVar("M")
_AUTHORISE_WITHIN_SECONDS = 5.0
_COMMAND_WITHIN_SECONDS = 30.0
_MOST_PAGES = 100_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page(Generic[M]):
    """A page of a partner's list: what can be read of it, and what is wrong with each object that cannot."""

    found: tuple[Held[M], ...]
    faults: tuple[str, ...]


class Calls:
    """Implements `PartnerCalls` for every version; which one is the partner's registration to say."""

    def __init__(
        self,
        requests: PartnerRequests,
        bindings: Mapping[str, Binding],
        roles: tuple[PartyRole, ...],
        base_url: str,
        clock: Clock,
    ) -> None:
        self._requests = requests
        self._clock = clock
        self._bindings = bindings
        self._roles = roles
        self._base_url = base_url

    async def put_site(self, partner: Partner, held: Held[Site]) -> None:
        """UC1-2: a whole site."""
        require_site(partner, key_of(held.value))
        await self._push(partner, "locations", key_of(held.value), self._text(partner, Kind.SITE, held))

    async def patch_evse_status(
        self, partner: Partner, site: ObjectKey, evse_uid: str, status: str, last_updated: datetime
    ) -> None:
        """UC1-3: the status of one EVSE; NotFound where the partner does not know it."""
        self._require_agreed(partner, SERVICES["locations"])
        require_site(partner, site)
        body = to_text({"status": status, "last_updated": write_timestamp(last_updated)})
        url = _under(_offered(partner, "locations", "RECEIVER"), site.country_code, site.party_id, site.id, evse_uid)
        await self._send(partner, "PATCH", url, body, sender=site.party)

    async def put_tariff(self, partner: Partner, held: Held[Tariff]) -> None:
        """UC2-1."""
        require_tariff(partner, key_of(held.value), held.value.currency)
        await self._push(partner, "tariffs", key_of(held.value), self._text(partner, Kind.TARIFF, held))

    async def remove_tariff(self, partner: Partner, key: ObjectKey) -> None:
        """UC2-1: withdraw."""
        self._require_agreed(partner, SERVICES["tariffs"])
        url = _under(_offered(partner, "tariffs", "RECEIVER"), key.country_code, key.party_id, key.id)
        await self._send(partner, "DELETE", url, sender=key.party)

    async def put_credential(self, partner: Partner, held: Held[Credential]) -> None:
        """UC4-2."""
        one = held.value
        self._require_agreed(partner, SERVICES["tokens"])
        require_kind(partner, one.kind)
        base = _offered(partner, "tokens", "RECEIVER")
        kind = self._binding(partner).credential_word(one.kind)
        url = _under(base, one.country_code, one.party_id, one.uid) + f"?type={kind}"
        body = self._text(partner, Kind.CREDENTIAL, held)
        await self._send(partner, "PUT", url, body, sender=one.party, logged_path=_masked(base))

    async def put_session(self, partner: Partner, held: Held[SessionReport]) -> None:
        """UC3-6: the whole session as it stands."""
        await self._push(partner, "sessions", key_of(held.value), self._text(partner, Kind.SESSION, held))

    async def submit_sdr(self, partner: Partner, held: Held[Sdr]) -> str | None:
        """UC3-9; returns the URL under which the partner keeps it."""
        self._require_agreed(partner, SERVICES["cdrs"])
        url = _offered(partner, "cdrs", "RECEIVER")
        body = self._text(partner, Kind.SDR, held)
        reply = await self._send(partner, "POST", url, body, sender=held.value.issuer)
        return reply.headers.get("location")

    async def authorise(self, partner: Partner, request: AuthorisationRequest) -> Authorisation:
        """UC4-1, answered within 5 s or Unreachable; NotFound where the credential is unknown."""
        self._require_agreed(partner, Service.LOCAL_START)
        require_kind(partner, request.kind)
        binding = self._binding(partner)
        base = _offered(partner, "tokens", "SENDER")
        references = binding.authorisation_request_body(request)
        reply = await self._send(
            partner,
            "POST",
            f"{_under(base, request.uid, 'authorize')}?type={binding.credential_word(request.kind)}",
            to_text(references) if references is not None else None,
            timeout=_AUTHORISE_WITHIN_SECONDS,
            logged_path=_masked(base) + "/authorize",
        )
        with _answer_readable():
            return binding.authorisation(reply.data)

    async def charging_preferences(self, partner: Partner, session_id: str, need: PlanNeed) -> PreferencesAnswer:
        """UC3-7 on plain OCPI; NotFound where the session or the EVSE takes none."""
        url = _under(_offered(partner, "sessions", "SENDER"), session_id, charging_preferences.SEGMENT)
        reply = await self._send(partner, "PUT", url, charging_preferences.preferences_body(need))
        with _answer_readable():
            return charging_preferences.preferences_answer(reply.data)

    def session_in(self, partner: Partner, data: Json) -> Held[SessionReport]:
        """A session in a partner's answer. Raises Unreachable where it cannot be read, or is another party's."""
        with _answer_readable():
            held = self._binding(partner).session.inside(data)
        try:
            _require_own(partner, held.value)
        except NotAllowed as error:
            raise Unreachable(error.message, code="unreadable_answer") from error
        return held

    def response_url(self, kind: CommandKind, command_id: str) -> str:
        """Where a partner is to post the outcome of our command: in any version, as an outcome reads alike in all."""
        return self.own_url("commands", kind, command_id)

    def own_url(self, module: str, *segments: str) -> str:
        """A URL of ours under a module's sender interface, in any version: for what reads alike in all."""
        return _under(f"{self._base_url}/ocpi/{next(iter(self._bindings))}/sender/{module}", *segments)

    async def command(self, partner: Partner, command: Command) -> CommandReply:
        """Send a command once; never repeated by itself."""
        require_command(partner, command, self._clock.now())
        binding = self._binding(partner)
        url = _under(_offered(partner, "commands", "RECEIVER"), command.kind)
        body = to_text(binding.command_body(command))
        reply = await self._send(partner, "POST", url, body, timeout=_COMMAND_WITHIN_SECONDS)
        with _answer_readable():
            return binding.command_reply(reply.data)

    async def command_result(
        self, partner: Partner, response_url: str, result: CommandResult, message: str | None = None
    ) -> None:
        """Send the outcome of a command to the response_url it came with, bare."""
        await self.respond(partner, response_url, self._binding(partner).command_result_body(result, message))

    async def respond(self, partner: Partner, response_url: str, body: JsonObject) -> None:
        """Send an outcome to the response_url that it was asked for with, bare."""
        logged_path = _masked(response_url.rpartition("/")[0])
        await self._send(partner, "POST", response_url, to_text(body), logged_path=logged_path)

    async def extension(
        self,
        partner: Partner,
        service: Service,
        method: str,
        module: str,
        interface: str,
        *segments: str,
        body: str | None = None,
        query: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> Reply:
        """A request to an extension module of a partner that agreed to the service.

        Raises Refused (not_agreed, not_offered, what the partner says), Unreachable, NotFound.
        """
        self._require_agreed(partner, service)
        url = _under(_offered(partner, module, interface), *segments)
        if query:
            url += "?" + urlencode(query)
        return await self._send(partner, method, url, body, timeout=timeout)

    def pull_reachable_parties(self, partner: Partner) -> AsyncIterator[Held[ReachableParty]]:
        """All parties that stand behind a clearing house (6.4.1)."""
        return self._pull(partner, "hubclientinfo", self._binding(partner).client_info, None)

    def pull_sites(self, partner: Partner, since: datetime | None) -> AsyncIterator[Held[Site]]:
        """All sites changed since."""
        return self._pull(partner, "locations", self._binding(partner).site, since)

    def pull_tariffs(self, partner: Partner, since: datetime | None) -> AsyncIterator[Held[Tariff]]:
        """All tariffs changed since."""
        return self._pull(partner, "tariffs", self._binding(partner).tariff, since)

    def pull_credentials(self, partner: Partner, since: datetime | None) -> AsyncIterator[Held[Credential]]:
        """All credentials changed since."""
        return self._pull(partner, "tokens", self._binding(partner).credential, since)

    def pull_sessions(self, partner: Partner, since: datetime) -> AsyncIterator[Held[SessionReport]]:
        """All sessions changed since."""
        return self._pull(partner, "sessions", self._binding(partner).session, since)

    def pull_sdrs(self, partner: Partner, since: datetime | None) -> AsyncIterator[Held[Sdr]]:
        """All SDRs since."""
        return self._pull(partner, "cdrs", self._binding(partner).sdr, since)

    def pull_extension(
        self,
        partner: Partner,
        service: Service,
        module: str,
        codec: Codec[Any, M],
        since: datetime | None,
        *segments: str,
    ) -> AsyncIterator[Held[M]]:
        """All objects of an extension module changed since, of the list below these segments. Raises as `extension`."""
        self._require_agreed(partner, service)
        return self._pull(partner, module, codec, since, *segments)

    async def page(
        self, partner: Partner, module: str, codec: Codec[Any, M], limit: int, since: datetime | None = None
    ) -> Page[M]:
        """The first page of a partner's list, with what is wrong in it. limit: of objects. Raises as a pull."""
        base = _offered(partner, module, "SENDER")
        wanted = {"date_from": write_timestamp(since)} if since else {}
        reply = await self._send(partner, "GET", f"{base}?{urlencode({**wanted, 'limit': str(limit), 'offset': '0'})}")
        if reply.envelope.items is None:
            raise Unreachable(f"The list of {module} is no list.", code="unreadable_answer")
        found, faults = [], []
        for item in reply.envelope.items:
            try:
                found.append(_own(partner, codec, item))
            except (InvalidInput, NotAllowed) as error:
                faults.append(error.message)
        return Page(tuple(found), tuple(faults))

    async def _pull(
        self, partner: Partner, module: str, codec: Codec[Any, M], since: datetime | None, *segments: str
    ) -> AsyncIterator[Held[M]]:
        if module in SERVICES:
            self._require_agreed(partner, SERVICES[module])
        query = urlencode({"date_from": write_timestamp(since)} if since else {})
        base = _offered(partner, module, "SENDER")
        base = _under(base, *segments) if segments else base
        url: str | None = f"{base}?{query}" if query else base
        for _ in range(_MOST_PAGES):
            reply = await self._send(partner, "GET", url or base, routed=module != "hubclientinfo")
            items = reply.envelope.items
            if items is None:
                raise Unreachable(f"The list of {module} is no list.", code="unreadable_answer")
            for item in items:
                try:
                    held = _own(partner, codec, item)
                except (InvalidInput, NotAllowed) as error:
                    _log.warning("an object of %s of %s is skipped: %s", module, partner.name, error.message)
                else:
                    yield held
            url = next_page(url or base, reply.headers, len(items))
            if url is None:
                return

    async def _push(self, partner: Partner, module: str, key: ObjectKey, body: str) -> None:
        self._require_agreed(partner, SERVICES[module])
        url = _under(_offered(partner, module, "RECEIVER"), key.country_code, key.party_id, key.id)
        await self._send(partner, "PUT", url, body, sender=key.party)

    async def _send(
        self,
        partner: Partner,
        method: str,
        url: str,
        body: str | None = None,
        *,
        sender: Party | None = None,
        timeout: float = 30.0,
        logged_path: str | None = None,
        routed: bool = True,
    ) -> Reply:
        ours, theirs = self._roles_between(partner) if routed else (None, None)
        return await self._requests.to_partner(
            partner,
            method,
            url,
            body,
            sender=sender or ours,
            receiver=theirs,
            timeout=timeout,
            logged_path=logged_path,
        )

    def _require_agreed(self, partner: Partner, service: Service) -> None:
        require_agreed(partner, service, self._clock.now())

    def _roles_between(self, partner: Partner) -> tuple[Party, Party | None]:
        """Our party and the partner's, in opposite roles where there are such."""
        for our in self._roles:
            for their in partner.roles:
                if {our.role, their.role} == {PlatformRole.HOME_CSP, PlatformRole.VISITED_CSO}:
                    return our.party, their.party
        return self._roles[0].party, partner.roles[0].party if partner.roles else None

    def _text(self, partner: Partner, kind: Kind, held: Held[Any]) -> str:
        """The object in the partner's version."""
        return in_version(held.body, kind, self._binding(partner).version)

    def _binding(self, partner: Partner) -> Binding:
        binding = self._bindings.get(partner.version or "")
        if binding is None:
            raise Refused(f"{partner.name} speaks no version that we speak.", code="unsupported_version")
        return binding


@contextmanager
def _answer_readable() -> Iterator[None]:
    try:
        yield
    except InvalidInput as error:
        raise Unreachable(f"The partner's answer cannot be read: {error.message}", code="unreadable_answer") from error


def _offered(partner: Partner, module: str, interface: str) -> str:
    url = partner.endpoint(module, interface)
    if url is None:
        raise Refused(f"{partner.name} does not offer {module} as {interface.lower()}.", code="not_offered")
    return url


def _own(partner: Partner, codec: Codec[Any, M], item: Item) -> Held[M]:
    """An object of a partner's list. Raises InvalidInput where it cannot be read, NotAllowed for another party's."""
    held = codec.held(only_object(item.value), item.text)
    _require_own(partner, held.value)
    return held


def _under(base: str, *segments: str) -> str:
    return "/".join((base.rstrip("/"), *(quote(segment, safe="") for segment in segments)))


def _masked(base: str) -> str:
    return urlsplit(base).path.rstrip("/") + "/***"


def _require_own(partner: Partner, value: Any) -> None:  # Any: whatever object of the model was pulled
    if isinstance(value, ReachableParty | SdrVerdict):  # of another party, or on an SDR of ours
        return
    party = value.issuer if isinstance(value, Sdr) else Party.of(value.country_code, value.party_id)
    if not partner.speaks_for(party):
        raise NotAllowed(f"{partner.name} does not speak for {party}.")
