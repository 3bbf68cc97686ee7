"""Operator and provider meet the clearing house on the wire: records, totals, roots, verdicts, disputes, batches."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.clearing_house.clearing import Clearing
from core.clearing_house.desks import clearing_extensions
from core.clearing_house.reconciliation import reconcile
from core.clearing_house.settlement import settle
from core.clock import FixedClock
from core.endpoint.agreement import Agreement
from core.endpoint.endpoint import Endpoint
from core.endpoint.extensions import reconciliations, settlements
from core.endpoint.ocpi.content_hash import content_hash
from core.endpoint.ocpi.reading import parse
from core.endpoint.partner import Partner
from core.endpoint.ports import Ports
from core.endpoint.stored import Reader
from core.endpoint.tls import CertificateAuthority, Identity
from core.errors import EvroamError, NotFound, Refused
from core.model.clearing.batches import BatchState
from core.model.clearing.merkle import Proof, proves
from core.model.clearing.totals import ControlTotals, Counted, totals_of
from core.model.clearing.verdict import DisputeAct, DisputeMove, VerdictMove
from core.model.clearing.verdicts import DisputeState, Outcome
from core.model.parties import ObjectKey, Party, PartyRole, PlatformRole
from core.model.services import PLAIN, Service
from tests.clearing_house.records import HOME, NOON, TERMS, VISITED, at, held, record, sdr_json
from tests.endpoint.platforms import Platform, platform

pytestmark = pytest.mark.anyio

ALL = Agreement(services=PLAIN | {Service.RECONCILIATION, Service.SETTLEMENT})
ROLES = {
    "house": PartyRole(role=PlatformRole.CLEARING_HOUSE, party=Party.parse("BE*CLH"), name="House"),
    "cso": PartyRole(role=PlatformRole.VISITED_CSO, party=VISITED, name="Visited"),
    "csp": PartyRole(role=PlatformRole.HOME_CSP, party=HOME, name="Home"),
    "stranger": PartyRole(role=PlatformRole.HOME_CSP, party=Party.parse("FR*OTH"), name="Other"),
}
KEY = ObjectKey(country_code="DE", party_id="VIS", id="C1")


@dataclass
class Member:
    """A platform that is connected with the clearing house; `house` is that one to it."""

    endpoint: Endpoint
    house: Partner


@dataclass
class Ground:
    clearing: Clearing
    clock: FixedClock
    cso: Member
    csp: Member
    stranger: Member


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    authority = CertificateAuthority.open(tmp_path_factory.mktemp("authority"))
    return {name: authority.identity(tmp_path_factory.mktemp(name), [role]) for name, role in ROLES.items()}


@asynccontextmanager
async def ground(folder: Path, identities: dict[str, Identity], agreed: Agreement = ALL) -> AsyncIterator[Ground]:
    async with AsyncExitStack() as stack:

        async def stand(name: str) -> Platform:
            url = f"sqlite:///{folder / name}.db"
            return await stack.enter_async_context(platform(url, identities[name], ROLES[name]))

        house = await stand("house")
        clock = FixedClock(at(hours=2))
        clearing = Clearing(house.store, clock, Reader())
        await clearing.agree(TERMS)
        house.endpoint.offer(Ports(), extensions=clearing_extensions(clearing))

        async def join(name: str) -> Member:
            one = await stand(name)
            token = await house.endpoint.partners.invite(name, agreed)
            partner = await one.endpoint.registrar.connect(house.versions_url, token, agreed, "house")
            return Member(one.endpoint, partner)

        yield Ground(clearing, clock, await join("cso"), await join("csp"), await join("stranger"))


async def refused(work: Any, *kinds: type[EvroamError]) -> EvroamError:
    with pytest.raises(kinds or (EvroamError,)) as raised:
        await work
    return raised.value


async def test_from_two_records_to_a_confirmed_batch(tmp_path: Path, identities: dict[str, Identity]) -> None:
    async with ground(tmp_path, identities) as there:
        cso, csp, stranger = there.cso, there.csp, there.stranger
        sdr = held(sdr_json(1))
        frozen = record(1, tariffs=sdr.value.tariffs, time_zone="Europe/Berlin", quoted_most=Decimal("4.00"))
        for _ in range(2):  # the same again changes nothing
            await reconciliations.put_record(csp.endpoint.calls, csp.house, frozen)
            await reconciliations.submit_sdr(cso.endpoint.calls, cso.house, sdr)
        changed = held(sdr_json(1, remark="another"))
        assert (
            "never changed"
            in (await refused(reconciliations.submit_sdr(cso.endpoint.calls, cso.house, changed))).message
        )
        await reconcile(there.clearing)

        for side in (cso, csp):
            (verdict,) = await reconciliations.pull_verdicts(side.endpoint.calls, side.house, None)
            assert (verdict.id, verdict.outcome, verdict.discrepancies) == ("C1", Outcome.ACCEPTED, ())
            assert verdict.matched_with == "NL*HOM/HOME/DEVIS/H1"
        assert await reconciliations.pull_verdicts(cso.endpoint.calls, cso.house, at(hours=3)) == []
        assert await reconciliations.pull_verdicts(stranger.endpoint.calls, stranger.house, None) == []

        approve = VerdictMove(outcome=Outcome.APPROVED)
        assert (await reconciliations.say(csp.endpoint.calls, csp.house, KEY, approve)).outcome is Outcome.APPROVED
        there.clock.moment = at(hours=11)
        await settle(there.clearing)
        (statement,) = await settlements.pull_statements(csp.endpoint.calls, csp.house)
        assert (statement.state, statement.net, statement.gross) == (BatchState.CALCULATED, 390, 464)
        assert await settlements.pull_statements(stranger.endpoint.calls, stranger.house) == []
        await refused(settlements.confirm_batch(stranger.endpoint.calls, stranger.house, statement.batch_id), NotFound)
        for side in (cso, csp):
            statement = await settlements.confirm_batch(side.endpoint.calls, side.house, statement.batch_id)
        assert statement.state is BatchState.CONFIRMED
        there.clock.advance(1)
        await settle(there.clearing)
        (paid,) = await settlements.pull_statements(cso.endpoint.calls, cso.house)
        assert {str(one.party): one.units for one in paid.payments} == {"DE*VIS": 464, "NL*HOM": -464}


async def test_roots_prove_equal_sets_and_one_sdr(tmp_path: Path, identities: dict[str, Identity]) -> None:
    async with ground(tmp_path, identities) as there:
        bodies = [sdr_json(number, start=at(hours=-2 * number)) for number in (1, 2, 3)]
        for body in bodies:
            await reconciliations.submit_sdr(there.cso.endpoint.calls, there.cso.house, held(body))

        def totals(of: list[str]) -> ControlTotals:
            values = (json.loads(body, parse_float=Decimal) for body in of)
            counted = [
                Counted(
                    content_hash=content_hash(parse(body)),
                    energy=Decimal(value["total_energy"]),
                    money=value["total_cost"]["excl_vat"],
                )
                for body, value in zip(of, values, strict=True)
            ]
            return totals_of(VISITED, HOME, NOON.date(), "EUR", counted)

        calls, house = there.csp.endpoint.calls, there.csp.house
        ours, differences = await reconciliations.put_totals(calls, house, HOME, totals(bodies))
        assert (ours.count, ours.energy, ours.money, differences) == (3, Decimal(30), Decimal("11.7"), ())
        _, differences = await reconciliations.put_totals(calls, house, HOME, totals(bodies[:2]))
        assert differences == ("count", "energy", "money", "root")
        # Another SDR of the same energy and price: the sums agree, the root does not.
        other = [*bodies[:2], sdr_json(9, start=at(hours=-6))]
        assert (await reconciliations.put_totals(calls, house, HOME, totals(other)))[1] == ("root",)

        proof: Any = await reconciliations.get_proof(calls, house, KEY)
        assert proof["content_hash"] == content_hash(parse(bodies[0]))
        assert proves(Proof.model_validate(proof["proof"]), proof["content_hash"], totals(bodies).root)
        stranger = there.stranger
        await refused(reconciliations.get_proof(stranger.endpoint.calls, stranger.house, KEY), NotFound)
        foreign = totals(bodies)
        for reporter in (HOME, Party.parse("FR*OTH")):
            await refused(reconciliations.put_totals(stranger.endpoint.calls, stranger.house, reporter, foreign))


async def test_a_dispute_is_led_over_the_wire(tmp_path: Path, identities: dict[str, Identity]) -> None:
    async with ground(tmp_path, identities) as there:
        cso, csp = there.cso, there.csp
        await reconciliations.submit_sdr(cso.endpoint.calls, cso.house, held(sdr_json(1)))
        await reconcile(there.clearing)
        (verdict,) = await reconciliations.pull_verdicts(csp.endpoint.calls, csp.house, None)
        assert [(one.kind, one.severity) for one in verdict.discrepancies] == [("D02", "HOLD")]
        assert verdict.discrepancies[0].next_step

        async def act(side: Member, **members: Any) -> DisputeState:
            return (await reconciliations.dispute(side.endpoint.calls, side.house, KEY, DisputeMove(**members))).state

        await refused(act(csp, act=DisputeAct.OPEN), Refused)  # not approved yet
        await reconciliations.say(csp.endpoint.calls, csp.house, KEY, VerdictMove(outcome=Outcome.APPROVED))
        await refused(act(cso, act=DisputeAct.OPEN))
        await refused(act(there.stranger, act=DisputeAct.OPEN), NotFound)
        assert await act(csp, act=DisputeAct.OPEN, text="not ours", claim=Decimal("1")) is DisputeState.OPEN
        await refused(act(csp, act=DisputeAct.RESPOND))
        assert await act(cso, act=DisputeAct.RESPOND, offer=Decimal("0.5")) is DisputeState.RESPONDED
        there.clock.advance(1)
        assert await act(csp, act=DisputeAct.ESCALATE) is DisputeState.ESCALATED
        (told,) = await reconciliations.pull_verdicts(cso.endpoint.calls, cso.house, there.clock.now())
        assert told.dispute is not None
        assert (told.dispute.state, told.dispute.offer) == (DisputeState.ESCALATED, Decimal("0.5"))


async def test_the_ids_of_others_and_what_is_not_agreed_are_refused(
    tmp_path: Path, identities: dict[str, Identity]
) -> None:
    async with ground(tmp_path, identities) as there:
        cso, csp, stranger = there.cso, there.csp, there.stranger
        await refused(reconciliations.put_record(stranger.endpoint.calls, stranger.house, record(1)), NotFound)
        await refused(reconciliations.submit_sdr(csp.endpoint.calls, csp.house, held(sdr_json(1))))
        own = record(1, home=Party.parse("FR*OTH"))
        none = await refused(reconciliations.put_record(stranger.endpoint.calls, stranger.house, own), NotFound)
        assert "No agreement between DE*VIS and FR*OTH" in none.message
        await reconciliations.submit_sdr(cso.endpoint.calls, cso.house, held(sdr_json(1)))
        await reconcile(there.clearing)
        approve = VerdictMove(outcome=Outcome.APPROVED)
        for member in (cso, stranger):  # the operator does not approve for its payer
            await refused(reconciliations.say(member.endpoint.calls, member.house, KEY, approve), NotFound)
        give_up = VerdictMove(outcome=Outcome.REJECTED)
        await refused(reconciliations.say(csp.endpoint.calls, csp.house, KEY, give_up))
        assert (await reconciliations.say(cso.endpoint.calls, cso.house, KEY, give_up)).outcome is Outcome.REJECTED
        # A body that is none, by the raw call.
        for path in (("verdicts", "DE", "VIS", "C1"), ("disputes", "DE", "VIS", "C1"), ("totals", "NL", "HOM", "x")):
            method = "POST" if path[0] == "disputes" else "PUT"
            for body in ("{", "[]", '{"outcome":"paid"}'):
                work = csp.endpoint.calls.extension(
                    csp.house, Service.RECONCILIATION, method, reconciliations.MODULE, "RECEIVER", *path, body=body
                )
                assert "Something went wrong" not in (await refused(work)).message


async def test_without_the_agreement_the_modules_are_not_offered(
    tmp_path: Path, identities: dict[str, Identity]
) -> None:
    async with ground(tmp_path, identities, Agreement()) as there:
        csp = there.csp
        assert csp.house.endpoint(reconciliations.MODULE, "RECEIVER") is None
        error = await refused(reconciliations.put_record(csp.endpoint.calls, csp.house, record(1)), Refused)
        assert error.code == "not_agreed"
        assert timedelta(0) < TERMS.windows.dispute
