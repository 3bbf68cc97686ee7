"""From the driver's key to the station and back to the screen, beside bare platforms; run it by hand.

    python -m tests.benchmarks.bench_key_to_station [starts]

The whole embedded network: the driver's client, home-CSP, visited-CSO and simulated station with their stores, against
platforms that only pass on, over the same mutual TLS, in the same event loop, in turn. Two times a start: until the
station is asked, and until its answer is in the event stream that the screens read.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from uuid import uuid4

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.driver_messages import DriverEvent, Need, PinIdentification, QuoteRequest, SiteQuery
from core.endpoint.tls import CertificateAuthority
from core.http import LOOPBACK, AddressGuard, HttpClient, ServerEvent
from core.model.session import SessionState
from core.network import Network
from tests.benchmarks.bare_platforms import JSON, Bare, bare_platforms
from tests.benchmarks.bench_wire import HOME, VISITED
from tests.benchmarks.measuring import Compared, print_table
from tests.networks import MONDAY_MORNING, until_sites_are_known

Times = tuple[float, float]
"""Seconds until the station is asked, and until the answer is there."""


class Ours:
    """The embedded network, its driver, and when each of its stations was last asked to start."""

    def __init__(self, network: Network, client: DriverClient) -> None:
        self._network, self._client = network, client
        self._asked = 0.0
        for member in network.members:
            self._listen_in(member.equipment)

    def _listen_in(self, equipment: object) -> None:
        start = equipment.start  # type: ignore[attr-defined]

        async def asked(*arguments: object, **named: object) -> None:
            self._asked = time.perf_counter()
            await start(*arguments, **named)

        equipment.start = asked  # type: ignore[attr-defined]

    async def quotes(self, count: int) -> list[str]:
        """So many quotes, each at an EVSE of its own."""
        place, found = self._network.demo.start, []
        sites = await self._client.sites(SiteQuery(latitude=place.latitude, longitude=place.longitude, roaming=True))
        for one in sites.sites:
            site = await self._client.site(one.key)
            for evse in (evse for evse in site.evses if evse.startable and len(found) < count):
                asked = QuoteRequest(
                    site=one.key, evse_uid=evse.uid, connector_id=evse.connectors[0].id, need=Need(amount=10)
                )
                found.append((await self._client.quote(asked)).id)
        assert len(found) == count, f"the demo network has {len(found)} EVSEs to start at"
        return found

    async def start(self, quote_id: str, events: AsyncIterator[DriverEvent | None]) -> Times:
        """One start."""
        begin = time.perf_counter()
        started = await self._client.start(quote_id)
        async for event in events:
            session = event.session if event is not None else None
            if session is not None and session.id == started.id and session.state is SessionState.AUTHORISED:
                return self._asked - begin, time.perf_counter() - begin
        raise AssertionError("the events ended")


async def bare_start(bare: Bare, front_end: HttpClient, events: AsyncIterator[ServerEvent]) -> Times:
    """One start through the bare platforms."""
    session = str(uuid4())
    begin = time.perf_counter()
    body = json.dumps({"session": session}).encode()
    await front_end.send("POST", f"{bare.home_url}/start", headers=JSON, body=body)
    async for event in events:
        if json.loads(event.data)["session"] == session:
            return bare.arrived[session] - begin, time.perf_counter() - begin
    raise AssertionError("the events ended")


async def run(starts: int) -> list[Compared]:
    """Both in turn; the first start of each, which opens the connections, is not counted."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        authority = CertificateAuthority.open(folder / "bare")
        identities = [authority.identity(folder / one.name, (one,)) for one in (HOME, VISITED)]
        bare = await stack.enter_async_context(bare_platforms(*identities))
        front_end = HttpClient(identities[0].client_context(), AddressGuard(LOOPBACK))
        stack.push_async_callback(front_end.close)
        bare_events = await stack.enter_async_context(front_end.events(f"{bare.home_url}/events"))
        network = await stack.enter_async_context(Network.running(folder / "data", clock=FixedClock(MONDAY_MORNING)))
        await until_sites_are_known(network)
        client = DriverClient(network.driver_url, network.driver_tls)
        stack.push_async_callback(client.close)
        driver = network.demo.driver
        await client.identify(PinIdentification(contract_id=driver.contract, pin=driver.pin))
        ours = Ours(network, client)
        events = await stack.enter_async_context(aclosing(client.events(0)))
        quotes = await ours.quotes(starts + 1)
        taken: list[tuple[Times, Times]] = []
        for quote in quotes:
            taken.append((await ours.start(quote, events), await bare_start(bare, front_end, bare_events)))
        del taken[0]
    return [
        Compared(
            what, "bare platforms", [our[at] for our, _ in taken], [other[at] for _, other in taken], aim=3, within=True
        )
        for at, what in enumerate(("key → station asked", "key → answer visible"))
    ]


if __name__ == "__main__":
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    print_table(f"One start, {starts} times", asyncio.run(run(starts)))
