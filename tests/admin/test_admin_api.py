"""The admin API of the embedded network's platforms, over real sockets."""

import asyncio
import os
import ssl
import stat
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from app.commands import app
from core.admin_client import AdminClient
from core.admin_messages import CertificateBundle, ConnectRequest, ContractRequest, InvitationRequest, TermsRequest
from core.clock import FixedClock
from core.driver_client import DriverClient
from core.driver_messages import PinIdentification
from core.endpoint.agreement import Transport
from core.endpoint.partner import PartnerStatus
from core.endpoint.tls import CertificateAuthority
from core.errors import EvroamError, InvalidInput, NotAllowed, NotFound, Refused
from core.home_csp.contracts import app_credential
from core.http import LOOPBACK, AddressGuard, HttpClient
from core.model.agreement_terms import Terms
from core.model.services import PLAIN, Service
from core.network import Network
from core.running_platforms import administrator, running_platform, running_platforms, secret_of
from core.store.tables import credential, synchronisation
from tests.networks import MONDAY_MORNING
from tests.stores import until_stored

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path, network: Network) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def admin(folder: Path):
    client = administrator(folder, running_platform(folder, None))
    yield client
    await client.close()


async def test_every_platform_of_the_network_is_found_the_home_csp_first(folder: Path, admin: AdminClient) -> None:
    assert [one.name for one in running_platforms(folder)] == ["home-csp", "alpenstrom", "clearing-house", "kurpfalz"]
    status = await admin.status()
    assert (status.platform, status.pid, status.healthy) == ("home-csp", os.getpid(), True)
    assert [one.name for one in status.partners] == [
        "CH*ALP via Rheinland Clearing",
        "Kurpfalz Ladestrom",
        "Rheinland Clearing",
    ]
    pulled = [{one.module for one in partner.modules} for partner in status.partners]
    assert pulled == [{"tariffs", "locations", "sessions", "cdrs"}] * 2 + [{"hubclientinfo"}]
    for partner in status.partners:
        assert all(one.succeeded_at is not None and one.last_error is None for one in partner.modules)
    assert status.messages and status.messages[-1].http_status == 200
    with pytest.raises(NotFound) as error:
        running_platform(folder, "elsewhere")
    assert "home-csp, alpenstrom, clearing-house, kurpfalz" in error.value.next_step


async def test_only_the_secret_of_the_folder_opens_it(folder: Path) -> None:
    file = folder / "administration" / "home-csp.secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    platform = running_platform(folder, "home-csp")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=CertificateAuthority.open(folder / "authority").export().decode())
    secrets = ["-", "wrong", secret_of(folder, "kurpfalz"), secret_of(folder, "home-csp") + "x"]
    for secret in secrets:
        client = AdminClient(platform.admin_url, secret, context)
        with pytest.raises(NotAllowed) as error:
            await client.status()
        assert error.value.code == "not_the_administrator"
        await client.close()


def test_a_secret_that_a_killed_program_left_empty_is_made_anew(tmp_path: Path) -> None:
    made = secret_of(tmp_path, "alone")
    [file] = (tmp_path / "administration").iterdir()
    file.write_text("", "ascii")
    again = secret_of(tmp_path, "alone")
    assert len(again) >= 40 and again != made and secret_of(tmp_path, "alone") == again
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


async def test_bodies_that_are_none_are_refused_by_name(folder: Path) -> None:
    platform = running_platform(folder, "home-csp")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=CertificateAuthority.open(folder / "authority").export().decode())
    http = HttpClient(context, AddressGuard(LOOPBACK))
    headers = {"Authorization": f"Bearer {secret_of(folder, 'home-csp')}"}
    for path, body, status, said in [
        ("/invitations", b"{", 422, "Invalid JSON"),
        ("/invitations", b'{"name": ""}', 422, "name"),
        ("/invitations", b'{"name": "X", "transport": "pigeon"}', 422, "transport"),
        ("/invitations", b'{"name": "X", "expires": 1}', 422, "expires"),
        ("/contracts", b'{"id": 7}', 422, "id"),
        ("/contracts", b'{"id": "' + b"x" * 70_000 + b'"}', 413, "too long"),
        ("/certificates", b'{"pem": "x"}', 422, "not the certificate"),
        ("/nothing", b"{}", 404, "cannot do that"),
    ]:
        answer = await http.send("POST", f"{platform.admin_url}/admin/v1{path}", headers=headers, body=body)
        assert (answer.status, said in answer.body.decode()) == (status, True), (path, answer.body)
    await http.close()


async def test_a_partner_is_suspended_resumed_and_removed_by_name_party_or_id(
    network: Network, folder: Path, admin: AdminClient
) -> None:
    assert (await admin.suspend("kurpfalz LADESTROM")).status is PartnerStatus.SUSPENDED
    assert [one.name for one in network.home.context.visited_csos()] == ["CH*ALP via Rheinland Clearing"]
    with pytest.raises(NotFound):
        await admin.suspend("Kurpfalz Ladestrom")
    assert {one.last_error for one in (await admin.pull("de*kpf")).modules} == {"Kurpfalz Ladestrom is not connected."}
    assert (await admin.resume("de*kpf")).status is PartnerStatus.CONNECTED
    pulled = await admin.pull("de*kpf")
    assert {one.module: one.last_error for one in pulled.modules} == dict.fromkeys(
        ("tariffs", "locations", "sessions", "cdrs")
    )
    id = (await admin.partners()).partners[1].id
    assert (await admin.remove(id)).status is PartnerStatus.REMOVED
    left = [one.name for one in (await admin.partners()).partners]
    assert left == ["CH*ALP via Rheinland Clearing", "Rheinland Clearing"]
    other = administrator(folder, running_platform(folder, "kurpfalz"))
    assert (await other.partners()).partners == ()  # it was told
    await other.close()


async def test_a_name_of_two_partners_is_asked_back(network: Network, admin: AdminClient) -> None:
    first, second = network.members
    for member, token_name in ((first, "x"), (second, "x")):
        await admin.remove(str(member.platform.context.party))
        token = await member.platform.endpoint.partners.invite(token_name)
        await network.home.endpoint.registrar.connect(member.platform.endpoint.versions_url, token, name="Same/Name")
    with pytest.raises(InvalidInput) as error:
        await admin.suspend("same/name")
    meant = [one for one in (await admin.partners()).partners if one.name == "Same/Name"]
    assert len(meant) == 2 and all(one.id in error.value.next_step for one in meant)


async def test_platforms_that_meet_under_the_same_terms_have_signed_them(
    network: Network, folder: Path, admin: AdminClient
) -> None:
    """Both operators give the same file: the inviter's signature comes with the answer to the other's."""
    terms = Terms(services=PLAIN | {Service.AGREEMENTS}, currencies=("CHF", "EUR"))
    other = administrator(folder, running_platform(folder, "alpenstrom"))
    for known, plain, signed in ((terms, False, True), (terms, True, False)):
        await admin.remove("CH*ALP")
        offered = await other.invite(InvitationRequest(name="Home", terms=known))
        ours = None if plain else terms
        await admin.connect(ConnectRequest(url=offered.versions_url, token=offered.token, name="ALP", terms=ours))
        views = [await admin.agreement("ALP"), await other.agreement("Home")]
        assert [one.signed for one in views] == [signed, signed]
        assert [one.terms.currencies for one in views] == [() if plain else ("CHF", "EUR"), ("CHF", "EUR")]
        assert (views[0].hash == views[1].hash) and (views[0].hash is not None) == signed
    with pytest.raises(Refused) as refused:  # plain OCPI to us: there is no module to sign by
        await admin.propose_agreement("ALP", TermsRequest(terms=terms))
    assert refused.value.code == "not_agreed"
    assert (await admin.set_agreement("ALP", TermsRequest(terms=terms))).terms == terms
    assert (await admin.propose_agreement("ALP", TermsRequest(terms=terms))).signed
    with pytest.raises(NotFound):
        await admin.sign_agreement("ALP")
    await other.close()


async def test_server_tls_must_be_allowed(admin: AdminClient) -> None:
    with pytest.raises(InvalidInput) as error:
        await admin.invite(InvitationRequest(name="X", transport=Transport.SERVER_TLS))
    assert error.value.code == "transport_not_offered"


async def test_a_foreign_authority_is_trusted_at_once(
    network: Network, folder: Path, admin: AdminClient, tmp_path: Path
) -> None:
    foreign = CertificateAuthority.open(tmp_path / "foreign")
    client = foreign.identity(tmp_path / "theirs", ()).client_context()
    client.load_verify_locations(cadata=(await admin.export_certificates()).pem)
    http = HttpClient(client, AddressGuard(LOOPBACK))
    with pytest.raises(EvroamError):
        await http.send("GET", network.home.endpoint.versions_url)
    trusted = await admin.import_certificates(CertificateBundle(pem=foreign.export().decode()))
    assert trusted.fingerprint in CertificateAuthority.open(folder / "authority").trusted()
    assert (await http.send("GET", network.home.endpoint.versions_url)).status == 401
    with pytest.raises(EvroamError):  # a partner is no front end
        await http.send("GET", f"{network.driver_url}/driver/v1/health")
    await http.close()


async def test_a_contract_added_again_after_blocking_is_valid_again(
    network: Network, admin: AdminClient, client: DriverClient
) -> None:
    demo, context = network.demo.driver, network.home.context
    await admin.block_contract(demo.contract)
    with pytest.raises(NotAllowed):
        await client.identify(PinIdentification(contract_id=demo.contract, pin=demo.pin))
    again = await admin.add_contract(ContractRequest(id=demo.contract, driver_name="Again"))
    assert (again.status, again.driver_name) == ("active", "Again")
    await client.identify(PinIdentification(contract_id=demo.contract, pin=demo.pin))
    with context.store.read() as connection:
        key = connection.execute(select(credential.c.contract_id)).scalars().first()
        app_one = app_credential(connection, context, str(key))
    assert app_one is not None and app_one.valid


async def test_a_second_network_in_the_same_folder_is_refused(network: Network, folder: Path) -> None:
    with pytest.raises(Refused) as error:
        async with Network.running(folder, clock=FixedClock(MONDAY_MORNING)):
            pass
    assert error.value.code == "already_running"
    assert (folder / "administration" / "home-csp.json").exists()


async def test_nothing_is_found_once_it_has_stopped(tmp_path: Path) -> None:
    async with Network.running(tmp_path, clock=FixedClock(MONDAY_MORNING)):
        assert len(running_platforms(tmp_path)) == 4
    assert list((tmp_path / "administration").glob("*.json")) == []
    with pytest.raises(NotFound):
        running_platform(tmp_path, None)


async def test_the_command_invites_at_a_running_network(network: Network, folder: Path) -> None:
    def run():
        return CliRunner().invoke(app, ["partner", "invite", "Foreign", "--data", str(folder)])

    result = await asyncio.to_thread(run)
    assert result.exit_code == 0, result.output
    assert network.home.endpoint.versions_url in result.stdout


async def test_a_partner_that_registers_with_us_is_pulled_at_once(tmp_path: Path) -> None:
    """A visited-CSO has the drivers' credentials (UC4-2) of a home-CSP that has just registered with it."""
    async with Network.running(tmp_path, clock=FixedClock(MONDAY_MORNING)) as fresh:
        admin = administrator(tmp_path, running_platform(tmp_path, "kurpfalz"))
        store = fresh.member("kurpfalz").platform.context.store
        in_step = select(synchronisation.c.module).where(synchronisation.c.last_error.is_(None))
        await until_stored(store, lambda connection: connection.execute(in_step).first())
        (partner,) = (await admin.status()).partners
        assert [(one.module, one.last_error) for one in partner.modules] == [("tokens", None)]
        with store.read() as connection:
            query = select(func.count()).select_from(credential).where(credential.c.partner_id.is_not(None))
            # App and card of the driver, and of each contract that has a card to try.
            assert connection.execute(query).scalar_one() == 10
        await admin.close()
