"""`evroam conformance --partner`: our home-CSP against partners of every kind, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from core.assembly import Installation, VisitedCsoInService, following, visited_cso
from core.clock import DemoClock, WallClock
from core.demo import demo_network
from core.endpoint.agreement import Agreement
from core.endpoint.serving import listen, serve
from core.endpoint.tls import CertificateAuthority
from core.errors import Unreachable
from core.model.parties import Party, PartyRole, PlatformRole
from core.model.services import Service
from core.model.session import ENDED, SessionState
from core.simulation.station import Drivers, simulate_site
from core.store.service_tables import emergency_unlock
from core.store.tables import credential, service_session
from core.walks.conformance.foreign import run_with_partner
from core.walks.conformance.foreign_bench import Meeting
from core.walks.conformance.report import ConformanceRun, Outcome, as_lines
from core.walks.use_cases import USE_CASES
from tests.admin.processes import evroam

pytestmark = pytest.mark.anyio

OPERATOR = demo_network().visited_csos[0]
HOME = PartyRole(role=PlatformRole.HOME_CSP, party=Party.parse("NL*EVR"), name="Home")
PASS, FAIL, NOT_OFFERED, NOT_CHECKED = Outcome.PASS, Outcome.FAIL, Outcome.NOT_OFFERED, Outcome.NOT_CHECKED


@asynccontextmanager
async def operator(folder: Path, wire: str, speed: float = 1) -> AsyncIterator[VisitedCsoInService]:
    """A visited-CSO by itself, at whose posts cars are plugged in after a start; speed: of its clock."""
    place = Installation(
        folder=folder,
        name=OPERATOR.slug,
        role=OPERATOR.role(PlatformRole.VISITED_CSO),
        clock=DemoClock(WallClock().now(), speed),
        authority=CertificateAuthority.open(folder / "authority"),
        listener=listen(),
        admin_listener=listen(),
        versions=(wire,),
    )
    sites = OPERATOR.sites()[:2]
    drivers = Drivers(auto_plug_after=8, auto_unplug_after=60)
    async with visited_cso(place, [simulate_site(one, drivers=drivers) for one in sites]) as running:
        await running.platform.publish(sites, OPERATOR.tariffs())
        async with following(running.equipment):
            yield running


def meeting(folder: Path, url: str, token: str, **members: Any) -> Meeting:
    authority = CertificateAuthority.open(folder / "authority")
    return Meeting(url=url, token=token, role=HOME, folder=folder / "ours", authority=authority, **members)


def verdicts(run: ConformanceRun) -> dict[Outcome, set[str]]:
    return {outcome: {one.name for one in run.results if one.verdict is outcome} for outcome in Outcome}


EXTENSIONS = {"binding_quote", "stop_energy", "plan", "booking", "verdicts", "plan_updated", "unlock", "failed_start"}
AT_THE_POST = {"card", "vehicle", "asked", "notices"}
ONE_SESSION = {"start", "stop", "completed", "progress", "bill"}


async def test_a_partner_on_plain_ocpi_is_gone_through_and_left_as_it_was(tmp_path: Path) -> None:
    async with operator(tmp_path, "2.2.1", speed=120) as partner:
        endpoint, store = partner.platform.endpoint, partner.platform.context.store
        url, data = endpoint.versions_url, ("--data", str(tmp_path))
        refused = await asyncio.to_thread(evroam, "conformance", "--partner", url, "--token", "nobodys", *data)
        assert refused.exit_code == 2
        assert "does not let us in" in refused.stderr and "new token" in refused.stderr

        token = await endpoint.partners.invite(HOME.name)
        run = await run_with_partner(meeting(tmp_path, url, token, at="DE*KPF*E1001*1"))
        seen = verdicts(run)
        assert seen[FAIL] == set(), [one.reason for one in run.results]
        assert (seen[NOT_OFFERED], seen[NOT_CHECKED]) == (EXTENSIONS, AT_THE_POST)
        assert seen[PASS] > ONE_SESSION
        assert run.passed and run.partner == url and {one.wire for one in run.results} == {"2.2.1"}
        assert [one.id for one in USE_CASES] == list(dict.fromkeys(one.use_case for one in run.results))

        assert endpoint.partners.list() == ()
        with store.read() as connection:
            [state] = connection.execute(select(service_session.c.state)).scalars()
            valid = [json.loads(one)["valid"] for one in connection.execute(select(credential.c.body)).scalars()]
            unlocks = connection.execute(select(func.count()).select_from(emergency_unlock)).scalar()
        assert SessionState(state) in ENDED
        assert valid == [False], "the test driver's credential is revoked"
        assert unlocks == 0


async def test_what_a_partner_offers_beyond_plain_ocpi_is_told_and_nothing_is_started_unasked(tmp_path: Path) -> None:
    async with operator(tmp_path, "2.3.0") as partner:
        endpoint = partner.platform.endpoint
        token = await endpoint.partners.invite(HOME.name, Agreement(services=frozenset(Service)))
        run = await run_with_partner(meeting(tmp_path, endpoint.versions_url, token))
        seen = verdicts(run)
        assert (seen[FAIL], seen[NOT_OFFERED]) == (set(), set()), [one.reason for one in run.results]
        assert "binding_quote" in seen[PASS]
        assert seen[NOT_CHECKED] == AT_THE_POST | ONE_SESSION | EXTENSIONS - {"binding_quote"}
        with partner.platform.context.store.read() as connection:
            for table in (service_session, emergency_unlock):
                assert connection.execute(select(func.count()).select_from(table)).scalar() == 0


class Rubbish:
    """A partner that registers whoever comes, and offers two lists with little sense in them."""

    base = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await self._answer(request.method, request.url.path)(scope, receive, send)

    def _answer(self, method: str, path: str) -> Response:
        modules = (("credentials", "SENDER"), ("locations", "SENDER"), ("cdrs", "SENDER"), ("sessions", "SENDER"))
        match path:
            case "/versions":
                return _data([{"version": "2.2.1", "url": f"{self.base}/2.2.1"}])
            case "/2.2.1":
                named = [{"identifier": id, "role": role, "url": f"{self.base}/{id}"} for id, role in modules]
                return _data({"version": "2.2.1", "endpoints": named})
            case "/credentials":
                party = {
                    "country_code": "DE",
                    "party_id": "RUB",
                    "role": "CPO",
                    "business_details": {"name": "\x1b[2J"},
                }
                return _data({"token": "theirs", "url": f"{self.base}/versions", "roles": [party]})
            case "/locations":
                return PlainTextResponse('{"data": [1, {"id": ', media_type="application/json")
            case "/cdrs":
                return _data([{"id": "\x1b[31mred", "total_cost": "a lot"}, None])
        return PlainTextResponse("Traceback (most recent call last)", 500)


def _data(value: object) -> Response:
    return JSONResponse({"data": value, "status_code": 1000, "timestamp": "2026-03-02T10:00:00Z"})


async def test_a_partner_that_answers_rubbish_fails_check_by_check(tmp_path: Path) -> None:
    authority = CertificateAuthority.open(tmp_path / "authority")
    role = PartyRole(role=PlatformRole.VISITED_CSO, party=Party.parse("DE*RUB"), name="Rubbish")
    partner = Rubbish()
    context = authority.identity(tmp_path / "rubbish", (role,)).server_context()
    async with serve(partner, context, listen()) as running:
        partner.base = running.url
        with pytest.raises(Unreachable):
            await run_with_partner(meeting(tmp_path, f"{running.url}/locations", "t"))
        run = await run_with_partner(meeting(tmp_path, f"{running.url}/versions", "t"))
    seen = verdicts(run)
    assert seen[FAIL] == {"stranger", "sites", "sessions", "bills"}
    assert seen[PASS] == {"registered"}
    assert seen[NOT_OFFERED] >= {"tariffs", "start_refused", "stop_refused", "credentials"}
    text = "\n".join(as_lines(run))
    assert "\x1b" not in text and "no such" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--partner", "http://example.com/versions", "--token", "t"), "not an https address"),
        (("--partner", "https://127.0.0.1:9/versions"), "token is missing"),
        (("--partner", "https://127.0.0.1:9/versions", "--token", "t"), "cannot be reached"),
        (("--partner", "https://10.1.2.3/versions", "--token", "t"), "--public-url"),
        (
            ("--partner", "https://10.1.2.3/versions", "--token", "t", "--public-url", "https://10.1.2.4:8443"),
            "--allow-network",
        ),
        (("--partner", "https://127.0.0.1:9/versions", "--token", "t", "--via", "hub"), "networks of our own"),
        (("--token", "t"), "--partner"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = evroam("conformance", *arguments, "--data", str(tmp_path))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output
