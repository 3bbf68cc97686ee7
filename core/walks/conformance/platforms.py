"""UC1-1: platforms know one another, and nobody else gets in."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.endpoint.endpoint import Endpoint
from core.endpoint.partner import PartnerStatus
from core.endpoint.serving import listen, serve, url_of
from core.endpoint.tls import CertificateAuthority, Identity
from core.endpoint.tokens import authorization
from core.http import LOOPBACK, AddressGuard, HttpClient
from core.model.parties import Party, PartyRole, PlatformRole
from core.walks.conformance.bench import Bench
from core.walks.conformance.check import Check, same
from core.walks.preparation import AUTHENTICATED
from core.walks.scenario import Finding

STRANGER = PartyRole(role=PlatformRole.HOME_CSP, party=Party.parse("FR*ZZZ"), name="A stranger")
"""A party with a certificate of its own, partner of nobody."""

GUESSER = PartyRole(role=PlatformRole.HOME_CSP, party=Party.parse("FR*XXX"), name="One that guesses")
"""Another such, which is locked out for the rest of the run."""

_GUESSES = 5


async def _registered(bench: Bench) -> Sequence[Finding]:
    return AUTHENTICATED.check(await AUTHENTICATED.perform(bench.ground))


class _Stranger:
    """A platform that says what it likes at a door."""

    def __init__(self, client: HttpClient, door: Endpoint, identity: Identity) -> None:
        self._client, self.door, self.identity = client, door, identity

    async def ask(self, path: str, token: str, method: str = "GET", body: object = None) -> tuple[int, int | None]:
        """HTTP status and OCPI status of the answer."""
        base = self.door.versions_url.removesuffix("/ocpi/versions")
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": authorization(token), "Content-Type": "application/json"}
        answer = await self._client.send(method, base + path, headers=headers, body=content)
        try:
            return answer.status, json.loads(answer.body).get("status_code")
        except ValueError:
            return answer.status, None

    def partners(self) -> int:
        """How many partners the door knows."""
        return sum(one.status is not PartnerStatus.REMOVED for one in self.door.partners.list())


@asynccontextmanager
async def _stranger(bench: Bench, role: PartyRole = STRANGER) -> AsyncIterator[_Stranger]:
    authority = CertificateAuthority.open(bench.folder / "authority")
    identity = authority.identity(bench.folder / "identities" / role.party.party_id.lower(), (role,))
    client = HttpClient(identity.client_context(), AddressGuard(LOOPBACK))
    try:
        yield _Stranger(client, bench.network.members[0].platform.endpoint, identity)
    finally:
        await client.close()


def _credentials(url: str, role: PartyRole = STRANGER) -> dict[str, object]:
    one = {
        "role": "EMSP",
        "business_details": {"name": role.name},
        "party_id": role.party.party_id,
        "country_code": role.party.country_code,
    }
    return {"token": "a-token-b", "url": url, "roles": [one]}


async def _invited(bench: Bench) -> Sequence[Finding]:
    """What an invitation opens: versions and credentials, nothing else."""
    async with _stranger(bench) as one:
        wire = bench.visited(bench.network.members[0]).version
        token = await one.door.partners.invite(STRANGER.name)
        return [
            same("unknown token", (401, 2000), await one.ask("/ocpi/versions", "nobody's")),
            same("versions with an invitation", (200, 1000), await one.ask("/ocpi/versions", token)),
            same("sites with an invitation", (401, 2000), await one.ask(f"/ocpi/{wire}/sender/locations", token)),
            same(
                "new credentials without a registration",
                (405, 2000),
                await one.ask(f"/ocpi/{wire}/credentials", token, "PUT", {}),
            ),
        ]


async def _not_registered(bench: Bench) -> Sequence[Finding]:
    """Credentials that cannot be taken register nobody."""
    async with _stranger(bench) as one:
        path = f"/ocpi/{bench.visited(bench.network.members[0]).version}/credentials"
        token, before = await one.door.partners.invite(STRANGER.name), one.partners()
        liar = PartyRole(role=PlatformRole.HOME_CSP, party=Party.parse("FR*YYY"), name="Another")
        nowhere = "https://127.0.0.1:1/versions"
        old = {"data": [{"version": "2.0", "url": nowhere}], "status_code": 1000, "timestamp": "2026-03-02T10:00:00Z"}
        async with serve(JSONResponse(old), one.identity.server_context(), listen()) as running:
            findings = [
                same(
                    "a party that the certificate does not name",
                    403,
                    (await one.ask(path, token, "POST", _credentials(nowhere, liar)))[0],
                ),
                same(
                    "versions that cannot be read",
                    (200, 3001),
                    await one.ask(path, token, "POST", _credentials(nowhere)),
                ),
                same(
                    "no version in common",
                    (200, 3002),
                    await one.ask(path, token, "POST", _credentials(f"{running.url}/versions")),
                ),
            ]
        return [*findings, same("partners afterwards", before, one.partners())]


async def _locked_out(bench: Bench) -> Sequence[Finding]:
    """Who guesses is turned away for a while even with a good token; whoever comes with another certificate is not."""
    async with _stranger(bench, GUESSER) as guesser, _stranger(bench) as other:
        guesses = [await guesser.ask("/ocpi/versions", f"guess {number}") for number in range(_GUESSES)]
        token = await guesser.door.partners.invite(GUESSER.name)
        return [
            same("wrong tokens", [(401, 2000)] * _GUESSES, guesses),
            same("a good token after them", (401, 2000), await guesser.ask("/ocpi/versions", token)),
            same("the same token from elsewhere", (200, 1000), await other.ask("/ocpi/versions", token)),
        ]


def _platform_at(url: str, wire: str, at: datetime) -> ASGIApp:
    """A platform that tells its versions and its one module, by its own clock."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        own = {"identifier": "credentials", "role": "SENDER", "url": f"{url}/credentials"}
        details = {"version": wire, "endpoints": [own]}
        data = [{"version": wire, "url": f"{url}/details"}] if scope["path"] == "/versions" else details
        told = {"data": data, "status_code": 1000, "timestamp": at.isoformat()}
        await JSONResponse(told)(scope, receive, send)

    return answer


async def _clock_off(bench: Bench) -> Sequence[Finding]:
    """[J] Whose clock is hours off is a partner like any other: nothing is decided by the time that it tells."""
    findings = []
    async with _stranger(bench) as one:
        wire, now = bench.visited(bench.network.members[0]).version or "", one.door.now()
        path, before = f"/ocpi/{wire}/credentials", one.partners()
        for hours in (-5, 5):
            token, listener = await one.door.partners.invite(STRANGER.name), listen()
            app = _platform_at(url_of(listener), wire, now + timedelta(hours=hours))
            async with serve(app, one.identity.server_context(), listener) as running:
                answer = await one.ask(path, token, "POST", _credentials(f"{running.url}/versions"))
                there = one.partners() - before
            for known in one.door.partners.list():
                if known.speaks_for(STRANGER.party):
                    await one.door.partners.remove(known.id)
            findings.append(same(f"registered, its clock {hours:+} h off", ((200, 1000), 1), (answer, there)))
        return [*findings, same("partners afterwards", before, one.partners())]


PLATFORMS = (
    Check(
        "UC1-1",
        "registered",
        "platforms registered at both ends, tokens renewed and bound to certificates",
        _registered,
        frozenset({"PUT credentials", "GET versions"}),
    ),
    Check("UC1-1", "invited", "an invitation opens versions and credentials alone; an unknown token nothing", _invited),
    Check("UC1-1", "not_registered", "refused: foreign party, unreadable versions, no common version", _not_registered),
    Check("UC1-1", "locked_out", "refused: who guessed five tokens, also with a good one; nobody else", _locked_out),
    Check("UC1-1", "clock_off", "a platform whose clock is hours off registers like any other", _clock_off),
)
"""UC1-1."""
