"""What one hop through the clearing house costs beside peer to peer, on the same machine in turn; run it by hand.

    python -m tests.benchmarks.bench_hop [requests]

The very same platforms: a visited-CSO sends a home-CSP the status of an EVSE (PATCH), a session (PUT) and asks for one
of its cards (POST authorize), directly, and through the clearing house between them, over mutual TLS 1.3 on connections
that stay open. The switch authenticates, routes, judges by the agreement, logs durably and passes on.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from core.endpoint.agreement import Agreement
from core.endpoint.tls import CertificateAuthority
from core.model.parties import Party
from tests.benchmarks.measuring import Compared, print_table
from tests.clearing_house.hub import EVERYTHING, HUB, Behind, Member, behind_hub, card
from tests.endpoint.platforms import HOME, code
from tests.endpoint.wire_objects import location, session

SITE = "/receiver/locations/DE/VIS/L1"
Message = tuple[str, str, object]
"""Method, path below the version, body."""
MESSAGES: dict[str, Callable[[int], Message]] = {
    "PATCH of an EVSE status": lambda turn: (
        "PATCH",
        f"{SITE}/E1",
        {"status": ("AVAILABLE", "CHARGING")[turn % 2], "last_updated": _moment(turn)},
    ),
    "PUT of a session": lambda turn: ("PUT", "/receiver/sessions/DE/VIS/S1", session(last_updated=_moment(turn))),
    "POST authorize": lambda _: ("POST", "/sender/tokens/CARD1/authorize", None),
}


def _moment(turn: int) -> str:
    return f"2026-11-22T{12 + turn // 3600 % 12:02}:{turn // 60 % 60:02}:{turn % 60:02}Z"


async def direct(hub: Behind) -> Member:
    """The visited-CSO as one who has registered with the same home-CSP without the clearing house."""
    home = hub.home.platform.endpoint
    agreement = Agreement(services=EVERYTHING)
    token = await home.partners.invite("direct", agreement)
    await hub.visited.platform.endpoint.registrar.connect(home.versions_url, token, agreement, "Home")
    return replace(hub.visited, hub_url=hub.home.platform.url)


async def seconds(member: Member, asked: Party, message: Message) -> float:
    """One request to the platform of `asked`, until the whole answer is there; a refused one is no measure."""
    method, path, body = message
    token = member.platform.endpoint.partners.outgoing_token(member.partners[asked].id)
    ends = (("from", member.role.party), ("to", HOME.party))
    named = {f"OCPI-{way}-country-code": party.country_code for way, party in ends}
    named |= {f"OCPI-{way}-party-id": party.party_id for way, party in ends}
    begin = time.perf_counter()
    answer = await member.client.ask(f"{member.hub_url}/ocpi/2.2.1{path}", token, method, body, named)
    taken = time.perf_counter() - begin
    assert code(answer) == (200, 1000), (asked, path, answer.body)
    return taken


async def run(requests: int) -> list[Compared]:
    """Two such sets of platforms, both up at once, asked in turn; the first request of each is not counted."""
    async with AsyncExitStack() as stack:
        ways: list[tuple[Member, Party]] = []
        for through in (True, False):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            authority = CertificateAuthority.open(folder / "authority")
            hub = await stack.enter_async_context(behind_hub(authority, folder))
            hub.home.desk.cards["CARD1"] = card("CARD1")
            ways.append((hub.visited, HUB.party) if through else (await direct(hub), HOME.party))
        for member, asked in ways:
            await seconds(member, asked, ("PUT", SITE, location(last_updated=_moment(0))))
        compared = []
        for what, message in MESSAGES.items():
            taken = [
                [await seconds(member, asked, message(turn)) for member, asked in ways]
                for turn in range(1, requests + 2)
            ]
            hops, peers = zip(*taken[1:], strict=True)
            compared.append(Compared(what, "peer to peer", hops, peers, within=True))
        return compared


def main() -> None:
    """Measure, and say what a hop adds."""
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print_table("One hop through the clearing house", asyncio.run(run(requests)))


if __name__ == "__main__":
    main()
