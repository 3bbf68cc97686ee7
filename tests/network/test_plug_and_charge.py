"""UC3-3: a vehicle charges on its contract certificate; whatever is wrong with it charges nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.driver_client import DriverClient
from core.endpoint.contract_certificates import judge
from core.endpoint.extensions import pncauthorizations
from core.errors import InvalidInput, NotFound
from core.home_csp.contracts import block_contract
from core.home_csp.plug_and_charge import keep_certificate, revoke_certificate
from core.model.authorisation import LocalOutcome
from core.model.credentials import CredentialKind
from core.model.identifiers import ContractId
from core.model.plug_and_charge import CertificateStatus, ContractEvidence
from core.model.services import PLAIN
from core.model.session import SessionState
from core.network import Network
from core.simulation.mobility_pki import ContractCertificate, MobilityPki, anchors_in
from core.simulation.typical_cars import car_for
from core.store.sessions import load_of_contract
from core.store.tables import message_log
from tests.endpoint.test_http import hang
from tests.network.charging import Post, agree, free_posts, in_state, receipt_for
from tests.networks import MONDAY_MORNING, advance, until

pytestmark = pytest.mark.anyio


class Vehicle:
    """A car with a contract certificate at a post."""

    def __init__(self, network: Network, post: Post, evidence: ContractEvidence) -> None:
        self.network, self.post, self.evidence = network, post, evidence
        self.equipment = post.member.equipment

    async def plug_in(self, evidence: ContractEvidence | None = None) -> str:
        """Plug in where no cable is, show the contract, and read what the station shows."""
        if self.equipment.car_at(self.post.evse_uid) is None:
            await self.equipment.plug_in(self.post.evse_uid, car_for("a car", "1").car)
        await advance(self.network, seconds=1)  # a report of the same moment is a repeat
        shown = await self.equipment.present_contract(self.post.evse_uid, evidence or self.evidence)
        return shown.verdict


@pytest.fixture
async def vehicle(network: Network, driver: DriverClient) -> Vehicle:
    [post] = await free_posts(network, driver)
    evidence = network.mobility.vehicle(network.demo.driver.contract)
    assert evidence is not None
    return Vehicle(network, post, evidence)


async def test_a_vehicle_starts_by_being_plugged_in_and_its_driver_gets_the_receipt(
    vehicle: Vehicle, driver: DriverClient
) -> None:
    events = driver.events(0)
    assert await vehicle.plug_in() == LocalOutcome.STARTED
    await advance(vehicle.network, minutes=5)
    active = (await until(events, in_state(SessionState.ACTIVE))).session
    assert active is not None
    home = vehicle.network.home.context
    with home.store.read() as connection:
        [kept] = load_of_contract(connection, home.party, ContractId.parse(vehicle.network.demo.driver.contract).key)
    assert kept.session.credential_kind == CredentialKind.EMAID
    assert kept.session.authorization_reference is not None

    assert await vehicle.plug_in() == LocalOutcome.STARTED  # says its contract again, as after a pause
    other = vehicle.network.mobility.issue("NLEVRC00000001", MONDAY_MORNING)
    assert await vehicle.plug_in(other.evidence) == LocalOutcome.OTHER_CREDENTIAL  # nor may it say another one
    with home.store.read() as connection:
        [same] = load_of_contract(connection, home.party, kept.session.contract_id)
    assert (same.session.state, same.session.credential_uid) == (SessionState.ACTIVE, kept.session.credential_uid)
    await vehicle.equipment.unplug(vehicle.post.evse_uid)
    receipt = (await until(events, receipt_for(active.id))).receipt
    assert receipt is not None and receipt.energy_kwh > 0


async def test_each_thing_that_can_be_wrong_with_a_certificate_is_told_apart(vehicle: Vehicle, tmp_path) -> None:
    """Judged at the station's side; the home-CSP is not asked about what is not trusted."""
    pki, emaid, now = vehicle.network.mobility, vehicle.network.demo.driver.contract, MONDAY_MORNING
    anchors = anchors_in(pki.folder)
    good = vehicle.evidence

    def of(certificate: ContractCertificate) -> CertificateStatus:
        return judge(certificate.evidence, anchors_in(pki.folder), now)

    assert judge(good, anchors, now) is CertificateStatus.GOOD
    expired = pki.issue(emaid, now, begin=now - timedelta(days=400), lasts=timedelta(days=390))
    assert of(expired) is CertificateStatus.EXPIRED
    early = pki.issue(emaid, now, begin=now + timedelta(days=5))
    assert of(early) is CertificateStatus.EXPIRED
    revoked = pki.issue(emaid, now)
    pki.revoke(revoked, now)
    assert of(revoked) is CertificateStatus.REVOKED
    strange = MobilityPki.open(tmp_path / "strange", now).issue(emaid, now)
    assert of(strange) is CertificateStatus.UNTRUSTED
    wrong = good.model_copy(update={"emaid": "NL-EVR-C99999999"})
    assert judge(wrong, anchors, now) is CertificateStatus.WRONG_EMAID
    misspelt = good.model_copy(update={"emaid": good.emaid[:-1] + ("B" if good.emaid[-1] != "B" else "C")})
    assert judge(misspelt, anchors, now) is CertificateStatus.WRONG_EMAID
    assert judge(good.model_copy(update={"chain": good.chain[:1]}), anchors, now) is CertificateStatus.UNTRUSTED
    assert judge(good.model_copy(update={"chain": good.chain[::-1]}), anchors, now) is CertificateStatus.WRONG_EMAID
    for garbled in ((), ("no certificate",), (good.chain[0][:200],), (good.chain[0] * 20,), ("\x00",), good.chain * 5):
        assert judge(good.model_copy(update={"chain": garbled}), anchors, now) is CertificateStatus.MALFORMED
    assert judge(good, anchors, now + timedelta(days=60)) is CertificateStatus.STALE

    refused = [await vehicle.plug_in(one) for one in (expired.evidence, revoked.evidence, strange.evidence, wrong)]
    assert refused == [LocalOutcome.CERTIFICATE] * 4
    endpoint = vehicle.post.member.platform.endpoint
    await endpoint.log.flush()
    with vehicle.post.member.platform.context.store.read() as connection:
        paths = connection.execute(select(message_log.c.path)).scalars().all()
    assert not any("pncauthorizations" in path for path in paths)


async def test_the_home_csp_charges_nothing_on_a_certificate_that_it_has_not_issued_or_has_revoked(
    vehicle: Vehicle,
) -> None:
    network, now = vehicle.network, MONDAY_MORNING
    emaid, home = network.demo.driver.contract, network.home.context
    second = network.mobility.issue(emaid, now)
    assert await vehicle.plug_in(second.evidence) == LocalOutcome.CERTIFICATE
    kept = await keep_certificate(home, emaid, second.chain)
    await revoke_certificate(home, kept.fingerprint)
    assert await vehicle.plug_in(second.evidence) == LocalOutcome.CERTIFICATE
    with pytest.raises(NotFound):
        await revoke_certificate(home, "unknown")
    other = network.mobility.issue("NLEVRC00000001", now)
    with pytest.raises(InvalidInput) as of_another:
        await keep_certificate(home, emaid, other.chain)
    assert of_another.value.code == "other_contract"
    unknown = network.mobility.issue("DE8AAC12345678", now)
    assert await vehicle.plug_in(unknown.evidence) == LocalOutcome.UNKNOWN  # no home-CSP of that name is a partner

    await block_contract(home, emaid)
    assert await vehicle.plug_in() == LocalOutcome.BLOCKED


async def test_a_partner_on_plain_ocpi_is_asked_by_emaid_alone(vehicle: Vehicle) -> None:
    await agree(vehicle.network, vehicle.post.member, PLAIN)
    assert await vehicle.plug_in() == LocalOutcome.STARTED


async def test_a_home_csp_that_does_not_answer_is_not_stood_in_for(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pncauthorizations._WITHIN_SECONDS == 5
    silent = vehicle.network.home.endpoint
    with monkeypatch.context() as patched:
        patched.setattr(pncauthorizations, "_WITHIN_SECONDS", 0.2)
        patched.setattr(silent, "app", hang)
        assert await vehicle.plug_in() == LocalOutcome.NO_ANSWER
    endpoint = vehicle.post.member.platform.endpoint
    theirs = endpoint.partners.speaking_for(vehicle.network.home.context.party)
    assert theirs is not None
    own = vehicle.network.home.context.partners.speaking_for(vehicle.post.member.platform.context.party)
    assert own is not None
    await vehicle.network.home.context.partners.suspend(own.id)
    assert await vehicle.plug_in() == LocalOutcome.NOT_ALLOWED
    assert vehicle.equipment.evse_state(vehicle.post.evse_uid).value == "preparing"
