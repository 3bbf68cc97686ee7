"""What a role gives the endpoint and what the endpoint gives a role, in the model's words, free of any wire version.

The endpoint reads the wire, checks that the object's party is one that the partner speaks for, merges partial updates
into the verbatim text and calls a port; roles implement ports and never see OCPI.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from core.endpoint.exchange import Page, PageRequest
from core.endpoint.partner import Partner
from core.endpoint.preferences import PreferenceReceiver
from core.endpoint.profiles import ProfileReceiver, ProfileResultReceiver
from core.model.credentials import Credential, CredentialKind
from core.model.parties import ObjectKey
from core.model.sdr import Sdr
from core.model.session import StopScope
from core.model.session_report import SessionReport
from core.model.sites import Site, Status
from core.model.tariffs import Tariff
from core.store.wire_text import WireText

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True)
class Held(Generic[T]):
    """An object of the model beside the JSON text it came as, or will go out as, on the wire.

    The body is a `WireText`, which knows its version, but for objects that every version writes alike.
    """

    value: T
    body: str


class ObjectReceiver(Protocol[T]):
    """Keeps objects that partners own (UC1-2, UC2-1, UC3-6, UC4-2)."""

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        """The stored JSON text, None where the object is unknown."""
        ...

    async def put(self, partner: Partner, key: ObjectKey, held: Held[T]) -> None:
        """A whole object, new or changed; older than what is stored changes nothing. Raises EvroamError to refuse."""
        ...


@dataclass(frozen=True)
class StatusChange:
    """EV supply equipment of a site that is kept already is in another status; nothing else of the site is new.

    at: the equipment's last_updated; body: the site's JSON text with the status in it; site_updated: what that text
    says of when the site changed last.
    """

    evse_uid: str
    status: Status
    at: datetime
    body: str
    site_updated: datetime


class StatusReceiver(Protocol):
    """Takes the most frequent of all messages, a status (UC1-3), by a shorter way than that of a whole site."""

    async def put_status(self, partner: Partner, site: ObjectKey, change: StatusChange) -> None:
        """Keep the status and the text; older than what is stored changes nothing. Raises EvroamError to refuse."""
        ...


class RemovableReceiver(ObjectReceiver[T], Protocol[T]):
    """Keeps objects that partners may withdraw (tariffs)."""

    async def remove(self, partner: Partner, key: ObjectKey) -> bool:
        """Withdraw; False where the object is unknown."""
        ...


class CredentialReceiver(Protocol):
    """Keeps credentials of home-CSPs (UC4-2); uid and kind together are the key within the party."""

    async def held(self, partner: Partner, key: ObjectKey, kind: CredentialKind) -> str | None:
        """The stored JSON text, None where the credential is unknown."""
        ...

    async def put(self, partner: Partner, key: ObjectKey, held: Held[Credential]) -> None:
        """A whole credential; older than what is stored changes nothing. Raises EvroamError to refuse."""
        ...


class SdrReceiver(Protocol):
    """Takes SDRs (UC3-9)."""

    async def submit(self, partner: Partner, held: Held[Sdr]) -> None:
        """A new SDR. The same id with the same content is accepted again; other content raises Refused."""
        ...

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        """The stored JSON text of an SDR that this partner sent."""
        ...


class ObjectSource(Protocol):
    """Lists the objects that we own, as the partner may see them (the pull side of the use cases)."""

    async def page(self, partner: Partner, request: PageRequest) -> Page:
        """The bodies in order of last_updated."""
        ...

    async def one(self, partner: Partner, id: str) -> str | None:
        """One object's JSON text."""
        ...


class AuthorisationVerdict(StrEnum):
    """The answer to an identification request (UC4-1)."""

    ALLOWED = "ALLOWED"
    BLOCKED = "BLOCKED"
    EXPIRED = "EXPIRED"
    NO_CREDIT = "NO_CREDIT"
    NOT_ALLOWED = "NOT_ALLOWED"


@dataclass(frozen=True)
class AuthorisationRequest:
    """A visited-CSO asks whether a credential may charge; the place is optional."""

    uid: str
    kind: CredentialKind
    site_id: str | None = None
    evse_uids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Authorisation:
    """The home-CSP's answer with the whole credential and the reference that session and SDR repeat.

    evse_uids: at which of the EVSEs asked about it holds; empty where no place was named.
    """

    verdict: AuthorisationVerdict
    credential: Held[Credential]
    authorization_reference: str | None = None
    message: str | None = None
    evse_uids: tuple[str, ...] = ()


class Authoriser(Protocol):
    """Answers identification requests (UC4-1)."""

    async def authorise(self, partner: Partner, request: AuthorisationRequest) -> Authorisation | None:
        """None where the credential is unknown."""
        ...


DATED_AHEAD = "dated_ahead"
"""Code of the InvalidInput with which a receiver refuses an object whose last_updated has not come yet."""


class CommandKind(StrEnum):
    """What a home-CSP can ask of a visited-CSO."""

    START_SESSION = "START_SESSION"
    STOP_SESSION = "STOP_SESSION"
    RESERVE_NOW = "RESERVE_NOW"
    CANCEL_RESERVATION = "CANCEL_RESERVATION"
    UNLOCK_CONNECTOR = "UNLOCK_CONNECTOR"


class CommandAnswer(StrEnum):
    """The immediate answer to a command; not the outcome."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


class CommandResult(StrEnum):
    """The outcome of a command, sent later."""

    ACCEPTED = "ACCEPTED"
    CANCELED_RESERVATION = "CANCELED_RESERVATION"
    EVSE_OCCUPIED = "EVSE_OCCUPIED"
    EVSE_INOPERATIVE = "EVSE_INOPERATIVE"
    FAILED = "FAILED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    TIMEOUT = "TIMEOUT"
    UNKNOWN_RESERVATION = "UNKNOWN_RESERVATION"


@dataclass(frozen=True)
class Command:
    """One command. `response_url` is unique and thereby names the command; the rest depends on the kind.

    stop_scope, quote_id: only where the agreement covers them; plain OCPI stops the whole session and knows no quotes.
    """

    kind: CommandKind
    response_url: str
    credential: Held[Credential] | None = None
    site_id: str | None = None
    evse_uid: str | None = None
    connector_id: str | None = None
    authorization_reference: str | None = None
    session_id: str | None = None
    reservation_id: str | None = None
    expiry: datetime | None = None
    stop_scope: StopScope | None = None
    quote_id: str | None = None


@dataclass(frozen=True)
class CommandReply:
    """The immediate answer, with the seconds after which the outcome is overdue and a word for the driver."""

    answer: CommandAnswer
    timeout_seconds: int
    message: str | None = None


class CommandReceiver(Protocol):
    """Executes commands (visited-CSO). The same response_url is executed once and answered alike."""

    async def command(self, partner: Partner, command: Command) -> CommandReply:
        """Answer at once; the outcome follows through `PartnerCalls.command_result`."""
        ...


class CommandResultReceiver(Protocol):
    """Takes the outcome of commands (home-CSP); `command_id` is the last part of our own response_url."""

    async def command_result(
        self, partner: Partner, kind: CommandKind, command_id: str, result: CommandResult, message: str | None
    ) -> bool:
        """False where the command is unknown."""
        ...


@dataclass(frozen=True)
class Ports:
    """All that one platform offers its partners; None where its role has no such interface.

    statuses: beside `sites`; without it a changed status is put as the whole site that it is part of.
    """

    sites: ObjectReceiver[Site] | None = None
    statuses: StatusReceiver | None = None
    tariffs: RemovableReceiver[Tariff] | None = None
    credentials: CredentialReceiver | None = None
    sessions: ObjectReceiver[SessionReport] | None = None
    sdrs: SdrReceiver | None = None
    commands: CommandReceiver | None = None
    command_results: CommandResultReceiver | None = None
    authoriser: Authoriser | None = None
    preferences: PreferenceReceiver | None = None
    profiles: ProfileReceiver | None = None
    profile_results: ProfileResultReceiver | None = None
    site_source: ObjectSource | None = None
    tariff_source: ObjectSource | None = None
    credential_source: ObjectSource | None = None
    session_source: ObjectSource | None = None
    sdr_source: ObjectSource | None = None


class PartnerCalls(Protocol):
    """What a role can ask of a partner. Raises Unreachable without an answer, Refused when the partner says no."""

    async def put_site(self, partner: Partner, held: Held[Site]) -> None:
        """UC1-2: a whole site."""
        ...

    async def patch_evse_status(
        self, partner: Partner, site: ObjectKey, evse_uid: str, status: str, last_updated: datetime
    ) -> None:
        """UC1-3: the status of one EVSE; where the partner does not know it, NotFound."""
        ...

    async def put_tariff(self, partner: Partner, held: Held[Tariff]) -> None:
        """UC2-1."""
        ...

    async def remove_tariff(self, partner: Partner, key: ObjectKey) -> None:
        """UC2-1: withdraw."""
        ...

    async def put_credential(self, partner: Partner, held: Held[Credential]) -> None:
        """UC4-2."""
        ...

    async def put_session(self, partner: Partner, held: Held[SessionReport]) -> None:
        """UC3-6: the whole session as it stands; sent again it changes nothing twice."""
        ...

    async def submit_sdr(self, partner: Partner, held: Held[Sdr]) -> str | None:
        """UC3-9; returns the URL under which the partner keeps it. Sent again it is harmless."""
        ...

    async def authorise(self, partner: Partner, request: AuthorisationRequest) -> Authorisation:
        """UC4-1, answered within 5 s or Unreachable; NotFound where the credential is unknown."""
        ...

    def response_url(self, kind: CommandKind, command_id: str) -> str:
        """Where a partner is to post the outcome of our command; `command_id` is unique and not to be guessed."""
        ...

    async def command(self, partner: Partner, command: Command) -> CommandReply:
        """Send a command once; never repeated by itself."""
        ...

    async def command_result(
        self, partner: Partner, response_url: str, result: CommandResult, message: str | None = None
    ) -> None:
        """Send the outcome of a command to the response_url it came with."""
        ...

    def pull_sites(self, partner: Partner, since: datetime | None) -> AsyncIterator[Held[Site]]:
        """All sites changed since; a page at a time, objects that cannot be read are reported and skipped."""
        ...

    def pull_tariffs(self, partner: Partner, since: datetime | None) -> AsyncIterator[Held[Tariff]]:
        """All tariffs changed since."""
        ...

    def pull_credentials(self, partner: Partner, since: datetime | None) -> AsyncIterator[Held[Credential]]:
        """All credentials changed since."""
        ...

    def pull_sessions(self, partner: Partner, since: datetime) -> AsyncIterator[Held[SessionReport]]:
        """All sessions changed since (date_from is mandatory)."""
        ...

    def pull_sdrs(self, partner: Partner, since: datetime | None) -> AsyncIterator[Held[Sdr]]:
        """All SDRs since."""
        ...


class Reader(Protocol):
    """Reads stored JSON back into the model, in the version in which it is written. Raises InvalidInput."""

    def site(self, body: str) -> Site:
        """Site from JSON text."""
        ...

    def tariff(self, body: str) -> Tariff:
        """Tariff from JSON text."""
        ...

    def credential(self, body: str) -> Credential:
        """Credential from JSON text."""
        ...

    def session(self, body: str) -> SessionReport:
        """Session from JSON text."""
        ...

    def sdr(self, body: str) -> Sdr:
        """SDR from JSON text."""
        ...

    def content_hash(self, body: str) -> str:
        """SHA-256 (hex) over the canonical form of a JSON text, numbers kept exact."""
        ...


class Writer(Protocol):
    """Turns objects that we own into the JSON text in which we keep them, strictly; it knows its version."""

    def site(self, site: Site) -> WireText:
        """Site as JSON text."""
        ...

    def tariff(self, tariff: Tariff) -> WireText:
        """Tariff as JSON text."""
        ...

    def credential(self, credential: Credential) -> WireText:
        """Credential as JSON text."""
        ...

    def session(self, report: SessionReport) -> WireText:
        """Session as JSON text."""
        ...

    def sdr(self, sdr: Sdr) -> WireText:
        """SDR as JSON text."""
        ...
