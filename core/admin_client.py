"""The typed client of the admin API of one running platform."""

import ssl
from ipaddress import ip_network
from typing import Literal
from urllib.parse import quote

from core.admin_messages import (
    AgreementList,
    AgreementView,
    BlockRequest,
    CertificateBundle,
    CertificateRequest,
    ConnectRequest,
    ContractCertificateView,
    ContractList,
    ContractRequest,
    ContractView,
    EndRequest,
    InvitationRequest,
    InvitationView,
    NoticeList,
    NoticeRequest,
    PartnerList,
    PartnerView,
    PlatformStatus,
    SdrCorrection,
    SdrDecision,
    SdrLine,
    SdrList,
    TermsRequest,
    TrustedAuthority,
    UnlockDecision,
    UnlockList,
    UnlockRefusal,
    UnlockRequestView,
)
from core.clearing_house.agreements import HubAgreement
from core.clearing_messages import (
    FailedRequest,
    FundsRequest,
    FundsView,
    ReconcileReport,
    ReconcileRequest,
    Released,
    ReleaseRequest,
    RuledDispute,
    RuleRequest,
    SettleReport,
    SettleRequest,
    TermsList,
)
from core.json_client import JsonClient
from core.member_messages import DisputedLine, StatementList, StatementView
from core.model.clearing.statement import Statement
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdict import DisputeMove
from core.model.notices import Notice
from core.switch_messages import ChainAudit, HubAgreements, HubPair, PassedMessages, PassedQuery, WaitingMessages

# The address comes from our own data folder, so no network is barred.
_ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


class AdminClient:
    """Administers one platform. Raises the EvroamError that the platform answered, or Unreachable."""

    def __init__(self, admin_url: str, secret: str, context: ssl.SSLContext) -> None:
        self._api = JsonClient(f"{admin_url.rstrip('/')}/admin/v1", context, secret, _ANYWHERE)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def status(self) -> PlatformStatus:
        """The platform at a glance."""
        return await self._api.get("/status", PlatformStatus)

    async def partners(self) -> PartnerList:
        """All partners that are not removed."""
        return await self._api.get("/partners", PartnerList)

    async def invite(self, request: InvitationRequest) -> InvitationView:
        """A token by which a partner registers with the platform (UC1-1)."""
        return await self._api.post("/invitations", request, InvitationView)

    async def connect(self, request: ConnectRequest) -> PartnerView:
        """Register the platform with a partner that invited it (UC1-1). Raises Unreachable, Refused, NotAllowed."""
        return await self._api.post("/partners", request, PartnerView)

    async def agreements(self) -> AgreementList:
        """What holds with every partner (5.4.6)."""
        return await self._api.get("/agreements", AgreementList)

    async def agreement(self, partner: str) -> AgreementView:
        """What holds with a partner, and all versions of it. Raises NotFound."""
        return await self._api.get(f"/agreements/{quote(partner, safe='')}", AgreementView)

    async def propose_agreement(self, partner: str, request: TermsRequest) -> AgreementView:
        """Sign new terms and send them; they hold once the partner has signed, too. Raises Refused."""
        return await self._api.post(f"/agreements/{quote(partner, safe='')}/propose", request, AgreementView)

    async def sign_agreement(self, partner: str) -> AgreementView:
        """Sign what the partner has proposed. Raises NotFound."""
        return await self._api.post(f"/agreements/{quote(partner, safe='')}/sign", None, AgreementView)

    async def set_agreement(self, partner: str, request: TermsRequest) -> AgreementView:
        """Set terms on this side alone, as for a partner on plain OCPI. Raises Refused where both have signed."""
        return await self._api.post(f"/agreements/{quote(partner, safe='')}/set", request, AgreementView)

    async def end_agreement(self, partner: str, request: EndRequest) -> AgreementView:
        """From when on nothing new begins with a partner."""
        return await self._api.post(f"/agreements/{quote(partner, safe='')}/end", request, AgreementView)

    async def suspend(self, partner: str) -> PartnerView:
        """Take nothing from a partner (id, name or party) and send it nothing. Raises NotFound."""
        return await self._api.post(f"/partners/{quote(partner, safe='')}/suspend", None, PartnerView)

    async def resume(self, partner: str) -> PartnerView:
        """Exchange with a suspended partner again. Raises NotFound."""
        return await self._api.post(f"/partners/{quote(partner, safe='')}/resume", None, PartnerView)

    async def remove(self, partner: str) -> PartnerView:
        """End the exchange for good, and tell the partner. Raises NotFound."""
        return await self._api.post(f"/partners/{quote(partner, safe='')}/remove", None, PartnerView)

    async def pull(self, partner: str) -> PartnerView:
        """Ask a partner now for what it changed; how far each module has come then. Raises NotFound."""
        return await self._api.post(f"/partners/{quote(partner, safe='')}/pull", None, PartnerView)

    async def export_certificates(self) -> CertificateBundle:
        """What a partner must trust to meet the platform."""
        return await self._api.get("/certificates", CertificateBundle)

    async def import_certificates(self, bundle: CertificateBundle) -> TrustedAuthority:
        """Trust a partner's authority from now on. Raises InvalidInput."""
        return await self._api.post("/certificates", bundle, TrustedAuthority)

    async def hub_agreements(self) -> HubAgreements:
        """Which two parties may exchange what through a clearing house's switch."""
        return await self._api.get("/switch/agreements", HubAgreements)

    async def hub_agree(self, agreement: HubAgreement) -> HubAgreement:
        """Let two parties exchange through the switch, or otherwise than before. Raises InvalidInput."""
        return await self._api.post("/switch/agreements", agreement, HubAgreement)

    async def hub_end(self, pair: HubPair) -> HubPair:
        """Let nothing pass between two parties any more. Raises NotFound."""
        return await self._api.post("/switch/agreements/end", pair, HubPair)

    async def hub_passed(self, query: PassedQuery) -> PassedMessages:
        """What passed the switch, oldest first."""
        return await self._api.post("/switch/log", query, PassedMessages)

    async def hub_check(self) -> ChainAudit:
        """Look through the switch's log for rows that were changed, taken out or put in."""
        return await self._api.get("/switch/log/check", ChainAudit)

    async def hub_waiting(self) -> WaitingMessages:
        """What waits for its receiver."""
        return await self._api.get("/switch/waiting", WaitingMessages)

    async def contracts(self) -> ContractList:
        """All contracts of a home-CSP."""
        return await self._api.get("/contracts", ContractList)

    async def add_contract(self, request: ContractRequest) -> ContractView:
        """Make or change a contract. Raises InvalidInput."""
        return await self._api.post("/contracts", request, ContractView)

    async def block_contract(self, contract_id: str, request: BlockRequest = BlockRequest()) -> ContractView:
        """Block a contract and revoke its credentials. Raises NotFound."""
        return await self._api.post(f"/contracts/{quote(contract_id, safe='')}/block", request, ContractView)

    async def notices(self) -> NoticeList:
        """What a visited-CSO announces (UC5-1)."""
        return await self._api.get("/notices", NoticeList)

    async def announce(self, request: NoticeRequest) -> Notice:
        """Announce maintenance or an outage, or change an announcement. Raises InvalidInput."""
        return await self._api.post("/notices", request, Notice)

    async def end_notice(self, notice_id: str) -> Notice:
        """What was announced is over. Raises NotFound, InvalidInput."""
        return await self._api.post(f"/notices/{quote(notice_id, safe='')}/end", None, Notice)

    async def unlocks(self) -> UnlockList:
        """Requests for emergency unlocks at a home-CSP (UC5-2, UC5-3)."""
        return await self._api.get("/unlocks", UnlockList)

    async def release_unlock(self, request_id: str, decision: UnlockDecision) -> UnlockRequestView:
        """Let a request go to the visited-CSO. Raises NotFound, Refused."""
        return await self._api.post(f"/unlocks/{quote(request_id, safe='')}/release", decision, UnlockRequestView)

    async def refuse_unlock(self, request_id: str, refusal: UnlockRefusal) -> UnlockRequestView:
        """Say no to a request. Raises NotFound, Refused."""
        return await self._api.post(f"/unlocks/{quote(request_id, safe='')}/refuse", refusal, UnlockRequestView)

    async def sdrs(self) -> SdrList:
        """SDRs of a home-CSP or visited-CSO, those that need somebody first (UC3-9)."""
        return await self._api.get("/sdrs", SdrList)

    async def decide_sdr(self, key: str, word: Literal["accept", "reject"], decision: SdrDecision) -> SdrLine:
        """A person at the home-CSP judges an SDR. Raises NotFound, Refused."""
        return await self._api.post(f"/sdrs/{quote(key, safe='')}/{word}", decision, SdrLine)

    async def correct_sdr(self, key: str, correction: SdrCorrection) -> SdrList:
        """A visited-CSO credits an SDR; the credit, and what replaces it. Raises NotFound, Refused."""
        return await self._api.post(f"/sdrs/{quote(key, safe='')}/credit", correction, SdrList)

    async def clearing_terms(self) -> TermsList:
        """The terms of every pair that a clearing house settles."""
        return await self._api.get("/clearing/terms", TermsList)

    async def agree_clearing(self, terms: ClearingTerms) -> ClearingTerms:
        """Reconcile and settle a pair under these terms from now on. Raises InvalidInput."""
        return await self._api.post("/clearing/terms", terms, ClearingTerms)

    async def reconcile(self, request: ReconcileRequest) -> ReconcileReport:
        """Judge SDRs against the other witnesses (6.4.2)."""
        return await self._api.post("/clearing/reconcile", request, ReconcileReport)

    async def release_sdr(self, request: ReleaseRequest) -> Released:
        """Lift what holds an SDR. Raises NotFound, Refused."""
        return await self._api.post("/clearing/release", request, Released)

    async def rule_dispute(self, request: RuleRequest) -> RuledDispute:
        """Decide a dispute. Raises NotFound, Refused."""
        return await self._api.post("/clearing/rule", request, RuledDispute)

    async def settle(self, request: SettleRequest) -> SettleReport:
        """Take every step of settlement that is due (6.4.3). Raises InvalidInput."""
        return await self._api.post("/clearing/settle", request, SettleReport)

    async def funds_received(self, request: FundsRequest) -> FundsView:
        """Book a debtor's payment. Raises NotFound, Refused, InvalidInput."""
        return await self._api.post("/clearing/funds", request, FundsView)

    async def funds_failed(self, request: FailedRequest) -> FundsView:
        """Divide what has come without this debtor. Raises NotFound, Refused."""
        return await self._api.post("/clearing/failed", request, FundsView)

    async def statement(self, batch_id: str) -> Statement:
        """The statement of a batch. Raises NotFound."""
        return await self._api.get(f"/clearing/batches/{quote(batch_id, safe='')}", Statement)

    async def statements(self, *, fetch: bool = False) -> StatementList:
        """A member's statements; fetch: ask its clearing houses for them now. Raises Unreachable."""
        if fetch:
            return await self._api.post("/statements/fetch", None, StatementList)
        return await self._api.get("/statements", StatementList)

    async def member_statement(self, batch_id: str) -> StatementView:
        """One of a member's statements, with its lines. Raises NotFound."""
        return await self._api.get(f"/statements/{quote(batch_id, safe='')}", StatementView)

    async def confirm_statement(self, batch_id: str) -> StatementView:
        """A member confirms a batch. Raises NotFound, Refused, Unreachable."""
        return await self._api.post(f"/statements/{quote(batch_id, safe='')}/confirm", None, StatementView)

    async def dispute_sdr(self, key: str, move: DisputeMove) -> DisputedLine:
        """A member's act in a dispute. Raises NotFound, Refused, Unreachable."""
        return await self._api.post(f"/disputes/{quote(key, safe='')}", move, DisputedLine)

    async def certify_contract(self, contract_id: str, request: CertificateRequest) -> ContractCertificateView:
        """Know a contract certificate as issued for a contract (UC3-3). Raises InvalidInput, NotFound."""
        path = f"/contracts/{quote(contract_id, safe='')}/certificates"
        return await self._api.post(path, request, ContractCertificateView)

    async def revoke_contract_certificate(self, fingerprint: str) -> ContractCertificateView:
        """Nothing is charged on a contract certificate any more. Raises NotFound."""
        path = f"/contract-certificates/{quote(fingerprint, safe='')}/revoke"
        return await self._api.post(path, None, ContractCertificateView)
