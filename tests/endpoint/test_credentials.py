"""Registration (UC1-1) between two platforms over real sockets, from both sides."""

import base64
import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from starlette.responses import JSONResponse

from core.endpoint.agreement import Agreement
from core.endpoint.partner import PartnerStatus
from core.endpoint.ports import Ports
from core.endpoint.serving import listen, serve
from core.errors import InvalidInput, NotAllowed, Refused, Unreachable
from core.store.tables import metadata, partner
from tests.endpoint.platforms import (
    HOME,
    VISITED,
    Client,
    Keeper,
    Network,
    Platform,
    Source,
    audited,
    code,
    connect,
    encoded,
    platform,
    rows,
    run,
)

pytestmark = pytest.mark.both_stores

CREDENTIALS = "/ocpi/2.2.1/credentials"


def test_two_platforms_become_partners_and_know_roles_endpoints_and_certificate(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with network.home(Ports(sites=keeper)) as home, network.visited(Ports(site_source=Source())) as visited:
            known = await connect(home, visited)
            assert (known.status, known.version, known.roles) == (PartnerStatus.CONNECTED, "2.2.1", (VISITED,))
            assert known.endpoint("locations", "SENDER") == f"{visited.url}/ocpi/2.2.1/sender/locations"
            assert known.endpoint("locations", "RECEIVER") is None
            theirs = visited.only_partner()
            assert theirs.roles == (HOME,)
            assert theirs.endpoint("locations", "RECEIVER") == f"{home.url}/ocpi/2.2.1/receiver/locations"
            assert theirs.certificate_name is not None
            assert theirs.certificate_name.startswith("urn:ev-party:NL*HOM:CSP issued by ")
            assert rows(home) == rows(visited) == (1, 0)
            assert audited(home) == audited(visited) == ["partner_registered"]
            assert home.endpoint.partners.speaking_for(VISITED.party) == known

    run(test)


def test_rule_01_token_a_opens_versions_and_credentials_only(network: Network) -> None:
    async def test() -> None:
        async with network.visited(Ports(site_source=Source())) as visited, Client(network.home_identity) as client:
            token = await visited.endpoint.partners.invite("home")
            for path in ("/ocpi/versions", "/ocpi/2.2.1", CREDENTIALS):
                assert code(await client.ask(visited.url + path, token)) == (200, 1000)
            assert code(await client.ask(f"{visited.url}/ocpi/2.2.1/sender/locations", token)) == (401, 2000)
            assert code(await client.ask(f"{visited.url}/ocpi/2.2.1/nothing", token)) == (401, 2000)

    run(test)


def test_rule_01_tokens_are_base64_a_newline_inside_or_none_at_all_are_tolerated(network: Network) -> None:
    async def test() -> None:
        async with network.visited() as visited, Client(network.home_identity) as client:
            token = await visited.endpoint.partners.invite("home")
            newline = "Token " + base64.b64encode(token.encode() + b"\n").decode()
            for authorization in (encoded(token), newline, f"Token {token}", encoded(token).replace("Token", "token")):
                assert (await client.raw(visited.versions_url, authorization)).status == 200, authorization
            for authorization in ("Token", f"Bearer {token}", encoded(token + "x"), "Token ====", None):
                assert (await client.raw(visited.versions_url, authorization)).status == 401, authorization

    run(test)


def test_token_a_registers_once_and_expires(network: Network) -> None:
    async def test() -> None:
        async with network.home() as home, network.visited() as visited, Client(network.home_identity) as client:
            token = await visited.endpoint.partners.invite("home")
            await home.endpoint.registrar.connect(visited.versions_url, token)
            assert code(await client.ask(visited.versions_url, token)) == (401, 2000)
            late = await visited.endpoint.partners.invite("late")
            visited.clock.advance(15 * 86400)
            assert code(await client.ask(visited.versions_url, late)) == (401, 2000)

    run(test)


def test_rule_02_post_when_registered_put_and_delete_when_not_answer_405(network: Network) -> None:
    async def test() -> None:
        async with network.connected() as (home, visited), Client(network.home_identity) as client:
            own = home.endpoint.partners.outgoing_token(home.only_partner().id)
            answer = await client.ask(visited.url + CREDENTIALS, own, "POST", {})
            assert code(answer) == (405, 2000)
            assert answer.headers["allow"] == "GET, PUT, DELETE"
            token = await visited.endpoint.partners.invite("other")
            for method in ("PUT", "DELETE"):
                assert code(await client.ask(visited.url + CREDENTIALS, token, method, {})) == (405, 2000)
            assert (await client.ask(visited.url + CREDENTIALS, token, "PATCH", {})).status == 405

    run(test)


def test_rule_02_put_fetches_endpoints_again_and_issues_a_new_token_while_the_old_one_still_serves(
    network: Network,
) -> None:
    async def test() -> None:
        async with network.connected() as (home, visited), Client(network.home_identity) as client:
            registrar, partners = home.endpoint.registrar, home.endpoint.partners
            known = home.only_partner()
            old = partners.outgoing_token(known.id)
            visited.endpoint.offer(Ports(site_source=Source()))
            home.endpoint.offer(Ports(sites=Keeper()))
            changed = await registrar.renew(known.id)
            new = partners.outgoing_token(known.id)
            assert new != old
            assert changed.endpoint("locations", "SENDER") == f"{visited.url}/ocpi/2.2.1/sender/locations"
            theirs = visited.only_partner()
            assert theirs.endpoint("locations", "RECEIVER") == f"{home.url}/ocpi/2.2.1/receiver/locations"
            assert rows(home) == rows(visited) == (1, 0)
            assert changed.id == known.id
            for token in (old, new):
                assert (await client.ask(visited.versions_url, token)).status == 200
            visited.clock.advance(3601)
            assert (await client.ask(visited.versions_url, old)).status == 401
            assert (await client.ask(visited.versions_url, new)).status == 200

    run(test)


def test_credentials_can_be_read_with_the_callers_own_token(network: Network) -> None:
    async def test() -> None:
        async with network.connected() as (home, visited), Client(network.home_identity) as client:
            token = home.endpoint.partners.outgoing_token(home.only_partner().id)
            data = json.loads((await client.ask(visited.url + CREDENTIALS, token)).body)["data"]
            assert data["token"] == token
            assert data["url"] == visited.versions_url
            assert data["roles"] == [
                {
                    "role": "CPO",
                    "business_details": {"name": "Visited"},
                    "party_id": "VIS",
                    "country_code": "DE",
                }
            ]

    run(test)


def test_delete_ends_the_exchange_on_both_sides(network: Network) -> None:
    async def test() -> None:
        async with network.connected() as (home, visited), Client(network.home_identity) as client:
            known = home.only_partner()
            token = home.endpoint.partners.outgoing_token(known.id)
            await home.endpoint.registrar.disconnect(known.id)
            assert rows(home) == rows(visited) == (0, 0)
            assert (await client.ask(visited.versions_url, token)).status == 401
            assert audited(visited) == ["partner_registered", "partner_removed"]

    run(test)


def test_suspended_partner_gets_403_until_resumed(network: Network) -> None:
    async def test() -> None:
        async with network.connected() as (home, visited), Client(network.home_identity) as client:
            token = home.endpoint.partners.outgoing_token(home.only_partner().id)
            theirs = visited.only_partner().id
            await visited.endpoint.partners.suspend(theirs)
            assert code(await client.ask(visited.versions_url, token)) == (403, 2000)
            await visited.endpoint.partners.resume(theirs)
            assert code(await client.ask(visited.versions_url, token)) == (200, 1000)

    run(test)


def test_what_another_process_changes_holds_a_second_later(network: Network) -> None:
    async def test() -> None:
        async with network.connected() as (home, visited), Client(network.home_identity) as client:
            token = home.endpoint.partners.outgoing_token(home.only_partner().id)
            assert (await client.ask(visited.versions_url, token)).status == 200
            suspended = update(partner).values(status=PartnerStatus.SUSPENDED)
            await visited.store.write(lambda connection: connection.execute(suspended) and None)
            visited.clock.advance(1)
            assert (await client.ask(visited.versions_url, token)).status == 403

    run(test)


def test_removed_partner_is_unknown(network: Network) -> None:
    async def test() -> None:
        async with network.connected() as (home, visited), Client(network.home_identity) as client:
            token = home.endpoint.partners.outgoing_token(home.only_partner().id)
            await visited.endpoint.partners.remove(visited.only_partner().id)
            assert (await client.ask(visited.versions_url, token)).status == 401

    run(test)


def test_a_party_can_be_spoken_for_by_one_partner_only(network: Network) -> None:
    async def test() -> None:
        async with (
            network.connected() as (_, visited),
            platform(network.store_url("twin"), network.home_identity, HOME) as twin,
        ):
            with pytest.raises(Refused, match="speaks for NL\\*HOM"):
                await connect(twin, visited)
            assert rows(twin) == (0, 0)

    run(test)


def credentials_body(url: str, token: str = "token-b") -> dict[str, object]:
    role = {"role": "EMSP", "business_details": {"name": "Home"}, "party_id": "HOM", "country_code": "NL"}
    return {"token": token, "url": url, "roles": [role]}


def test_3001_where_the_callers_versions_cannot_be_read(network: Network) -> None:
    async def test() -> None:
        async with network.visited() as visited, Client(network.home_identity) as client:
            token = await visited.endpoint.partners.invite("home")
            for url in (visited.versions_url, "https://127.0.0.1:1/versions", "http://127.0.0.1/", "https://10.1.2.3/"):
                answer = await client.ask(visited.url + CREDENTIALS, token, "POST", credentials_body(url))
                assert code(answer) == (200, 3001), url
            assert rows(visited) == (0, 1)

    run(test)


def test_token_b_opens_versions_while_we_register_and_registers_nobody(network: Network) -> None:
    async def test() -> None:
        async with network.visited() as visited, Client(network.home_identity) as client:
            life = timedelta(minutes=5)
            await visited.endpoint.partners.keep_invitation("b", "b", Agreement(), life, versions_only=True)
            assert code(await client.ask(visited.versions_url, "b")) == (200, 1000)
            body = credentials_body("https://127.0.0.1:1/")
            assert code(await client.ask(visited.url + CREDENTIALS, "b", "POST", body)) == (405, 2000)

    run(test)


def test_3002_without_a_common_version_and_3003_without_a_required_endpoint(network: Network) -> None:
    old = {"version": "2.1.1", "url": "https://127.0.0.1/2.1.1"}
    app = JSONResponse({"data": [old], "status_code": 1000, "timestamp": "2026-11-22T12:00:00Z"})

    async def test() -> None:
        required = {("tokens", "SENDER")}
        async with network.visited(required=required) as visited, Client(network.home_identity) as client:
            token = await visited.endpoint.partners.invite("home")
            async with serve(app, network.home_identity.server_context(), listen()) as running:
                answer = await client.ask(visited.url + CREDENTIALS, token, "POST", credentials_body(running.url))
                assert code(answer) == (200, 3002)
            async with network.home() as home:
                own = await home.endpoint.partners.invite("visited")
                body = credentials_body(home.versions_url, own)
                assert code(await client.ask(visited.url + CREDENTIALS, token, "POST", body)) == (200, 3003)
                with pytest.raises(Refused) as error:
                    await home.endpoint.registrar.connect(visited.versions_url, token)
                assert error.value.code == "no_matching_endpoints"
                assert rows(home) == (0, 1)
            assert rows(visited) == (0, 1)

    run(test)


def test_credentials_that_cannot_be_read_change_nothing(network: Network) -> None:
    bodies = [b"", b"{", b"[]", b"{}", b'{"token":"a b"}', b"\xff", b'{"token":1,"url":2,"roles":3}']

    async def test() -> None:
        async with network.visited() as visited, Client(network.home_identity) as client:
            token = await visited.endpoint.partners.invite("home")
            for body in bodies:
                answer = await client.ask(visited.url + CREDENTIALS, token, "POST", body)
                assert code(answer) in {(400, 2001), (200, 2001)}, body
            assert rows(visited) == (0, 1)

    run(test)


def test_registration_that_fails_on_our_side_leaves_no_half_partner_on_the_other(network: Network) -> None:
    async def test() -> None:
        async with (
            network.connected() as (home, _),
            platform(network.store_url("second"), network.visited_identity, VISITED) as second,
        ):
            with pytest.raises(InvalidInput) as error:
                await connect(home, second)
            assert error.value.code == "party_taken"
            assert rows(home) == (1, 0)
            assert rows(second) == (0, 0)
            assert audited(second) == ["partner_registered", "partner_removed"]

    run(test)


def test_wrong_address_is_unreachable_and_leaves_nothing(network: Network) -> None:
    async def test() -> None:
        async with network.home() as home:
            with pytest.raises(Unreachable):
                await home.endpoint.registrar.connect("https://127.0.0.1:1/versions", "token")
            with pytest.raises(NotAllowed):
                await home.endpoint.registrar.connect("http://127.0.0.1:1/versions", "token")
            assert rows(home) == (0, 0)

    run(test)


def test_five_failures_lock_the_source_out_with_audit(network: Network) -> None:
    async def test() -> None:
        async with network.visited() as visited, Client(network.home_identity) as client:
            token = await visited.endpoint.partners.invite("home")
            for _ in range(5):
                assert (await client.ask(visited.versions_url, "guess")).status == 401
            locked = await client.ask(visited.versions_url, token)
            assert locked.status == 401
            assert locked.headers["retry-after"] == "901"
            assert audited(visited) == ["locked_out"]
            visited.clock.advance(901)
            assert (await client.ask(visited.versions_url, token)).status == 200

    run(test)


def test_tokens_are_kept_as_keyed_hashes_and_never_logged(network: Network) -> None:
    async def test() -> None:
        async with network.connected() as (home, visited):
            token = home.endpoint.partners.outgoing_token(home.only_partner().id) or ""
            await home.endpoint.log.flush()
            await visited.endpoint.log.flush()
            theirs = visited.endpoint.partners.outgoing_token(visited.only_partner().id) or ""
            for one, secret in ((visited, token), (home, theirs)):
                text = everything(one)
                assert secret not in text
                assert base64.b64encode(secret.encode()).decode() not in text

    run(test)


def everything(one: Platform) -> str:
    with one.store.read() as connection:
        return repr([connection.execute(select(table)).all() for table in metadata.sorted_tables])
