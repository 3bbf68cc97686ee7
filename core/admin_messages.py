"""Bodies of the admin API, by which the operator of a platform administers it while it runs."""

from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.endpoint.agreement import Agreement, Transport
from core.endpoint.partner import PartnerStatus
from core.model.agreement_terms import Terms, VersionState
from core.model.cable_unlock import UnlockCase, UnlockCode, UnlockState, UnlockStep
from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.clearing.verdicts import Outcome
from core.model.credentials import WhitelistPolicy
from core.model.notices import Notice, NoticeCause, NoticeKind
from core.model.parties import PartyRole
from core.model.sdr import SdrKind
from core.model.sdr_verdicts import VerdictState, VerdictStep


class AdminMessage(BaseModel):
    """A body; what is not known is refused, so that a misspelt member is not silently without effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _agreement(terms: Terms | None, transport: Transport) -> Agreement:
    return Agreement(transport=transport) if terms is None else Agreement(**dict(terms))


class InvitationRequest(AdminMessage):
    """Let a partner register with us; `name` is how we call it. terms: in place of the defaults and of `transport`."""

    name: str = Field(min_length=1, max_length=100)
    transport: Transport = Transport.MUTUAL_TLS
    terms: Terms | None = None

    def agreement(self) -> Agreement:
        """What holds once the partner has come."""
        return _agreement(self.terms, self.transport)


class InvitationView(AdminMessage):
    """Token A, told once, and where the partner begins."""

    token: str
    versions_url: str
    transport: Transport


class ConnectRequest(AdminMessage):
    """Register us with the partner whose versions are at `url` and that gave us `token`; terms as for an invitation."""

    url: str = Field(min_length=1, max_length=2000)
    token: str = Field(min_length=1, max_length=1000)
    name: str = Field(default="", max_length=100)
    transport: Transport = Transport.MUTUAL_TLS
    terms: Terms | None = None

    def agreement(self) -> Agreement:
        """What holds once we are registered."""
        return _agreement(self.terms, self.transport)


class ModuleState(AdminMessage):
    """How far a module of a partner has been pulled; last_error is None after success."""

    module: str
    pulled_until: datetime | None
    succeeded_at: datetime | None
    last_error: str | None


class Backlog(AdminMessage):
    """What a partner has not been sent yet: how many objects, since when, and what the last attempt came to."""

    objects: int = 0
    since: datetime | None = None
    last_error: str | None = None


class RevocationState(AdminMessage):
    """How long revoked credentials go on being good at a visited-CSO (UC4-2): issued by the home-CSP, then in force.

    issued_at and in_force_at are of the latest, slowest is of the last ones.
    """

    issued_at: datetime
    in_force_at: datetime
    slowest: timedelta


class PartnerView(AdminMessage):
    """A partner as its operator sees it; no tokens. credentials_read_at: when it last asked for ours."""

    id: str
    name: str
    status: PartnerStatus
    roles: tuple[PartyRole, ...]
    transport: Transport
    version: str | None
    versions_url: str | None
    certificate: str | None
    last_seen_at: datetime | None
    modules: tuple[ModuleState, ...] = ()
    backlog: Backlog = Backlog()
    credentials_read_at: datetime | None = None
    revocations: RevocationState | None = None


class PartnerList(AdminMessage):
    """All partners that are not removed, by name."""

    partners: tuple[PartnerView, ...]


class AgreementVersionView(AdminMessage):
    """One version of an agreement; number 0: terms set on our side alone. remark: what the partner said against it."""

    number: int
    hash: str
    state: VersionState
    signed_by_us: bool
    signed_by_them: bool
    proposed_at: datetime
    in_force_at: datetime | None
    ends_at: datetime | None
    remark: str
    terms: Terms


class AgreementView(AdminMessage):
    """What holds with a partner. signed: by both sides; version and hash: of the signed document."""

    partner_id: str
    partner: str
    signed: bool
    version: int | None
    hash: str | None
    holds: bool
    ends_at: datetime | None
    waits_for_us: bool
    waits_for_them: bool
    terms: Terms
    versions: tuple[AgreementVersionView, ...] = ()


class AgreementList(AdminMessage):
    """The agreements with all partners that are not removed."""

    agreements: tuple[AgreementView, ...]


class TermsRequest(AdminMessage):
    """Propose these terms, or set them on our side alone."""

    terms: Terms


class EndRequest(AdminMessage):
    """End an agreement; at: from when on nothing new begins, by default now."""

    at: AwareDatetime | None = None


class LoggedMessage(AdminMessage):
    """A line of the message log; http_status None: no answer came. milliseconds: to the whole answer."""

    at: datetime
    direction: str
    partner: str | None
    method: str
    path: str
    http_status: int | None
    status_code: int | None
    milliseconds: int | None


class StoreState(AdminMessage):
    """The store: where it is (without a password), the revision of its schema, and what ails it (None: nothing)."""

    place: str
    schema_revision: str | None
    problem: str | None = None


class PlatformStatus(AdminMessage):
    """A platform at a glance. `demo_speed` is 1 unless its clock runs fast; `at` is the wall's time."""

    platform: str
    role: PartyRole
    version: str
    pid: int
    healthy: bool
    at: datetime
    started_at: datetime
    demo_speed: float
    versions_url: str
    store: StoreState
    partners: tuple[PartnerView, ...]
    messages: tuple[LoggedMessage, ...]


class CertificateBundle(AdminMessage):
    """The certificate of an authority, as PEM; no secret in it."""

    pem: str = Field(min_length=1, max_length=20_000)


class TrustedAuthority(AdminMessage):
    """An authority that is trusted from now on."""

    fingerprint: str


class ContractRequest(AdminMessage):
    """Make or change a contract; cards are UIDs in hexadecimal, codes are typed at stations.

    whitelist: when visited-CSOs may decide about these cards by themselves. valid_until None: without end.
    """

    id: str = Field(min_length=1, max_length=255)
    driver_name: str = Field(default="", max_length=200)
    pin: str | None = Field(default=None, max_length=100)
    cards: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    whitelist: WhitelistPolicy = WhitelistPolicy.ALLOWED
    valid_until: AwareDatetime | None = None


class BlockRequest(AdminMessage):
    """Block a contract, because its credit is used up or otherwise."""

    no_credit: bool = False


class ContractView(AdminMessage):
    """A contract; cards by their last characters."""

    id: str
    driver_name: str
    status: str
    created_at: datetime
    valid_until: datetime | None = None
    cards: tuple[str, ...] = ()


class ContractList(AdminMessage):
    """All contracts, oldest first."""

    contracts: tuple[ContractView, ...]


class NoticeRequest(AdminMessage):
    """Announce maintenance or an outage (UC5-1), or change what is announced under this id.

    begin None: now. site None: all that we operate. texts: by language (ISO 639-1).
    """

    id: str | None = Field(default=None, min_length=1, max_length=36, pattern=r"^[A-Za-z0-9_\-]+$")
    kind: NoticeKind
    site: str | None = Field(default=None, max_length=36)
    evses: tuple[str, ...] = Field(default=(), max_length=1000)
    connector: str | None = Field(default=None, max_length=36)
    begin: AwareDatetime | None = None
    expected_end: AwareDatetime | None = None
    cause: NoticeCause = NoticeCause.OTHER
    cancels_reservations: bool = False
    texts: dict[str, str] = Field(default_factory=dict)


class NoticeList(AdminMessage):
    """What a visited-CSO announces now, by its begin."""

    notices: tuple[Notice, ...]


class UnlockDecision(AdminMessage):
    """A person releases an emergency unlock: who it is, that the driver is known, that the place is safe."""

    agent: str = Field(min_length=1, max_length=64)
    user_verified: bool
    safety_confirmed: bool


class UnlockRefusal(AdminMessage):
    """A person refuses an emergency unlock."""

    agent: str = Field(min_length=1, max_length=64)
    note: str = Field(default="", max_length=200)


class UnlockRequestView(AdminMessage):
    """A request for an emergency unlock with its incident record; the contract by its last characters."""

    id: str
    case: UnlockCase
    operator: str
    site: str
    evse_uid: str
    connector_id: str
    session: str
    contract: str
    reason: str
    requested_at: datetime
    state: UnlockState
    code: UnlockCode | None
    steps: tuple[UnlockStep, ...]


class UnlockList(AdminMessage):
    """Requests, those that wait first."""

    unlocks: tuple[UnlockRequestView, ...]


class SdrDecision(AdminMessage):
    """A person at the home-CSP accepts or rejects an SDR; codes are classes of discrepancy (6.4.2)."""

    agent: str = Field(min_length=1, max_length=64)
    codes: tuple[DiscrepancyClass, ...] = ()
    note: str = Field(default="", max_length=200)


class SdrCorrection(AdminMessage):
    """A visited-CSO takes an SDR back; replace: the session is billed anew."""

    replace: bool


class ClearedSdr(AdminMessage):
    """What a clearing house says of an SDR. reasons: its discrepancies, in words; batch_id: the batch it is in."""

    outcome: Outcome
    codes: tuple[DiscrepancyClass, ...]
    reasons: tuple[str, ...]
    batch_id: str | None


class SdrLine(AdminMessage):
    """An SDR. judgement: what the platform itself thinks of it; told: the newest verdict that crossed the wire.

    cleared: where a clearing house reconciles it.
    """

    key: str
    kind: SdrKind
    session: str
    started_at: datetime
    energy_kwh: Decimal
    currency: str
    total_before_taxes: Decimal
    judgement: str
    told: VerdictState | None
    steps: tuple[VerdictStep, ...]
    cleared: ClearedSdr | None = None


class SdrList(AdminMessage):
    """SDRs, those that need somebody first."""

    sdrs: tuple[SdrLine, ...]


class CertificateRequest(AdminMessage):
    """A contract certificate that a vehicle of this contract carries: its chain as PEM, leaf first."""

    pem: str = Field(min_length=1, max_length=40_000)


class ContractCertificateView(AdminMessage):
    """A contract certificate that is known; fingerprint: SHA-256 (hex)."""

    fingerprint: str
    contract_id: str
    not_after: datetime
    revoked_at: datetime | None
