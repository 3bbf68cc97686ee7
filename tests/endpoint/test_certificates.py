"""Who may register as whom: certificates, and registration without one (UC1-1), over real sockets."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from core.endpoint.agreement import Agreement, Transport
from core.endpoint.tls import CertificateAuthority
from core.errors import InvalidInput, Refused
from core.model.parties import Party, PartyRole, PlatformRole
from core.store.tables import partner
from tests.endpoint.platforms import (
    HOME,
    VISITED,
    Client,
    Network,
    audited,
    code,
    connect,
    platform,
    rows,
    run,
)

pytestmark = pytest.mark.both_stores


def test_who_registers_anew_has_its_old_id_unless_the_certificate_is_another(network: Network) -> None:
    """Its sessions are its own still; another certificate for the same party does not inherit them."""

    async def test() -> None:
        async with network.connected() as (home, visited), Client(network.home_identity) as client:
            ids = home.only_partner().id, visited.only_partner().id
            old = home.endpoint.partners.outgoing_token(ids[0])
            await home.endpoint.registrar.disconnect(ids[0])
            await connect(home, visited)
            assert (home.only_partner().id, visited.only_partner().id) == ids
            assert (await client.ask(visited.versions_url, old)).status == 401
            assert audited(visited) == ["partner_registered", "partner_removed", "partner_registered"]

            await home.endpoint.registrar.disconnect(ids[0])
            other = update(partner).values(certificate_name="urn:ev-party:NL*HOM:CSP issued by another")
            await visited.store.write(lambda connection: connection.execute(other).rowcount)
            await connect(home, visited)
            assert home.only_partner().id == ids[0] and visited.only_partner().id != ids[1]

    run(test)


def test_certificate_of_another_party_is_refused_with_a_stolen_token(
    network: Network,
) -> None:
    async def test() -> None:
        async with network.connected() as (home, visited), Client(network.visited_identity) as thief:
            token = home.endpoint.partners.outgoing_token(home.only_partner().id)
            assert code(await thief.ask(visited.versions_url, token)) == (401, 2000)

    run(test)


def test_same_party_certified_by_another_authority_is_refused(
    network: Network, foreign_authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    impostor = foreign_authority.identity(tmp_path_factory.mktemp("impostor"), [HOME])
    own = CertificateAuthority.open(tmp_path_factory.mktemp("own"))
    own.trust(foreign_authority.export())
    own.trust(network.home_identity.authority.export())
    foreign_authority.trust(own.export())
    network.home_identity.authority.trust(own.export())
    network = replace(network, visited_identity=own.identity(tmp_path_factory.mktemp("visited"), [VISITED]))

    async def test() -> None:
        async with network.connected() as (home, visited), Client(impostor) as thief:
            token = home.endpoint.partners.outgoing_token(home.only_partner().id)
            assert code(await thief.ask(visited.versions_url, token)) == (401, 2000)

    run(test)


def test_roles_that_the_certificate_does_not_name_are_refused(network: Network) -> None:
    async def test() -> None:
        other = PartyRole(role=PlatformRole.HOME_CSP, party=Party.parse("FR*ELS"), name="Else")
        async with (
            network.visited() as visited,
            platform(network.store_url("liar"), network.home_identity, other) as liar,
        ):
            with pytest.raises(Refused) as error:
                await connect(liar, visited)
            assert error.value.code == "not_authorised"
            assert rows(liar) == (0, 0)
            assert rows(visited) == (0, 1)

    run(test)


def test_server_side_tls_is_an_explicit_choice_of_platform_and_agreement(network: Network) -> None:
    weak = Agreement(transport=Transport.SERVER_TLS)

    async def test() -> None:
        async with network.visited() as strict:
            with pytest.raises(InvalidInput) as error:
                await strict.endpoint.partners.invite("weak", weak)
            assert error.value.code == "transport_not_offered"
        async with (
            network.visited(server_tls=True) as visited,
            Client(network.home_identity, Transport.SERVER_TLS) as bare,
        ):
            weak_token = await visited.endpoint.partners.invite("weak", weak)
            strict_token = await visited.endpoint.partners.invite("strict")
            assert (await bare.ask(visited.versions_url, weak_token)).status == 200
            assert (await bare.ask(visited.versions_url, strict_token)).status == 401

    run(test)


def test_two_platforms_with_server_side_tls_only_become_partners(network: Network) -> None:
    weak = Agreement(transport=Transport.SERVER_TLS)

    async def test() -> None:
        async with network.home(server_tls=True) as home, network.visited(server_tls=True) as visited:
            token = await visited.endpoint.partners.invite("home", weak)
            known = await home.endpoint.registrar.connect(visited.versions_url, token, weak)
            assert known.agreement == visited.only_partner().agreement == weak
            assert visited.only_partner().certificate_name is None

    run(test)
