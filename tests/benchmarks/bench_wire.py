"""What a partner waits for, beside a plain FastAPI app on the same uvicorn, TLS and durability; run it by hand.

    python -m tests.benchmarks.bench_wire [requests a round] [rounds]

A whole home-CSP and visited-CSO with their stores answer in one process, the plain app in another, one client asks
both in turn over eight connections with mutual TLS 1.3 that stay open, and over a single one. A CDR is of a session
that nobody knows; both sides validate and keep it. evroam also hashes its content and looks for its session; it audits
only what a session of its own is billed with.
"""

import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from core.clock import FixedClock
from core.demo import demo_network
from core.endpoint.bindings import BINDINGS
from core.endpoint.ocpi.reading import to_text
from core.endpoint.serving import listen, serve, url_of
from core.endpoint.tls import CertificateAuthority, Identity
from core.endpoint.tokens import authorization
from core.home_csp.platform import HomeCsp
from core.model.parties import Party, PartyRole, PlatformRole
from core.simulation.kept_state import KeptState
from core.simulation.simulated_equipment import SimulatedEquipment
from core.store.engine import Store
from core.visited_cso.platform import VisitedCso
from tests.benchmarks.keep_alive import Connection, connections, request, seconds_each
from tests.benchmarks.measuring import Compared, compare, print_table
from tests.benchmarks.plain_fastapi import TOKEN, plain_app
from tests.benchmarks.wire_samples import BEGAN, cdr, location, status_change

HOME = PartyRole(role=PlatformRole.HOME_CSP, party=Party.parse("NL*HOM"), name="Home")
VISITED = PartyRole(role=PlatformRole.VISITED_CSO, party=Party.parse("DE*VIS"), name="Visited")
SITES = 200
CONNECTIONS = 8


@dataclass(frozen=True)
class Reached:
    """Where a server answers, and the Authorization that it knows: for lists, and for what is pushed."""

    list_url: str
    push_url: str
    list_authorization: str
    push_authorization: str


def identities(folder: Path) -> tuple[Identity, Identity]:
    """Those of the home-CSP and of the visited-CSO."""
    authority = CertificateAuthority.open(folder / "authority")
    return authority.identity(folder / "home", (HOME,)), authority.identity(folder / "visited", (VISITED,))


async def evroam(folder: Path, stack: AsyncExitStack) -> Reached:
    """A home-CSP and a visited-CSO that know one another, and the visited-CSO's sites on both sides."""
    home_identity, visited_identity = identities(folder)
    clock, listener, visited_listener = FixedClock(BEGAN), listen(), listen()
    store = await Store.open(f"sqlite:///{folder}/home-csp.sqlite")
    visited_store = await Store.open(f"sqlite:///{folder}/visited-cso.sqlite")
    stack.push_async_callback(store.close)
    stack.push_async_callback(visited_store.close)
    home = HomeCsp(
        role=HOME,
        store=store,
        clock=clock,
        identity=home_identity,
        public_url=url_of(listener),
        price_lists=demo_network().home_csp.price_lists(),
    )
    visited = VisitedCso(
        role=VISITED,
        store=visited_store,
        clock=clock,
        identity=visited_identity,
        public_url=url_of(visited_listener),
        equipment=SimulatedEquipment([], clock, KeptState(visited_store)),
    )
    read = BINDINGS["2.2.1"].site.read
    await visited.publish([read(to_text(location(number))).value for number in range(SITES)], [])
    await stack.enter_async_context(home.running(listener, listen()))
    await stack.enter_async_context(visited.running(visited_listener))
    token = await visited.endpoint.partners.invite("home")
    partner = await home.endpoint.registrar.connect(visited.endpoint.versions_url, token, name="visited")
    await home.synchronise(partner)
    (theirs,) = visited.endpoint.partners.list()
    return Reached(
        list_url=f"{url_of(visited_listener)}/ocpi/2.2.1/sender",
        push_url=f"{url_of(listener)}/ocpi/2.2.1/receiver",
        list_authorization=authorization(home.endpoint.partners.outgoing_token(partner.id) or ""),
        push_authorization=authorization(visited.endpoint.partners.outgoing_token(theirs.id) or ""),
    )


async def plain(folder: Path, stack: AsyncExitStack) -> Reached:
    """The plain app."""
    home_identity, _ = identities(folder)
    app = plain_app(str(folder / "plain.sqlite"), map(location, range(SITES)))
    running = await stack.enter_async_context(serve(app, home_identity.server_context(), listen()))
    return Reached(running.url, running.url, f"Token {TOKEN}", f"Token {TOKEN}")


def serving(build: Callable[[Path, AsyncExitStack], Awaitable[Reached]], folder: Path, pipe: Pipe) -> None:
    """A process that serves: tells where, then its processor time whenever it is asked, and ends when told to."""

    async def run() -> None:
        ended, loop = asyncio.Event(), asyncio.get_running_loop()

        def hear() -> None:
            if pipe.recv() == "end":
                ended.set()
            else:
                pipe.send(time.process_time())

        async with AsyncExitStack() as stack:
            pipe.send(await build(folder, stack))
            loop.add_reader(pipe.fileno(), hear)
            await ended.wait()

    asyncio.run(run())


class Side:
    """One of the two servers, from the client's side."""

    def __init__(self, build: Callable[[Path, AsyncExitStack], Awaitable[Reached]], folder: Path) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=serving, args=(build, folder, theirs), daemon=True)
        self._process.start()
        self.reached: Reached = self._pipe.recv()
        self.processor_seconds: dict[str, list[float]] = {}
        self._number = 0

    def _ask(self, method: str, url: str, authorised: str, sender: Party, body: object = None) -> bytes:
        """A request with the headers that OCPI wants; the plain app has no use for most of them."""
        receiver = VISITED.party if sender == HOME.party else HOME.party
        headers = {
            "Authorization": authorised,
            "X-Request-ID": f"request-{self._number}",
            "X-Correlation-ID": f"correlation-{self._number}",
            "OCPI-from-country-code": sender.country_code,
            "OCPI-from-party-id": sender.party_id,
            "OCPI-to-country-code": receiver.country_code,
            "OCPI-to-party-id": receiver.party_id,
        }
        return request(method, url, headers, body)

    def page(self) -> bytes:
        """A page of 50 sites, another one than last time."""
        self._number += 1
        url = f"{self.reached.list_url}/locations?offset={self._number * 50 % SITES}&limit=50"
        return self._ask("GET", url, self.reached.list_authorization, HOME.party)

    def status(self) -> bytes:
        """Another status of an EVSE."""
        self._number += 1
        path, body = status_change(self._number)
        url = f"{self.reached.push_url}/locations{path}"
        return self._ask("PATCH", url, self.reached.push_authorization, VISITED.party, body)

    def record(self) -> bytes:
        """A CDR that is new."""
        self._number += 1
        url, body = f"{self.reached.push_url}/cdrs", cdr(self._number)
        return self._ask("POST", url, self.reached.push_authorization, VISITED.party, body)

    def round(self, what: str, opened: Sequence[Connection], make: Callable[[], bytes], count: int) -> float:
        """Seconds a request; the server's processor time a request is kept beside it."""
        requests = [make() for _ in range(count)]
        before = self._processor()
        taken = seconds_each(opened, requests)
        self.processor_seconds.setdefault(what, []).append((self._processor() - before) / count)
        return taken

    def _processor(self) -> float:
        self._pipe.send("processor")
        return float(self._pipe.recv())

    def end(self) -> None:
        """Stop the server."""
        self._pipe.send("end")
        self._process.join(20)


def run(count: int, rounds: int) -> None:
    """Measure all, and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home, visited = identities(folder)
        ours, baseline = Side(evroam, folder), Side(plain, folder)
        rows, processor = [], []
        for what, aim, side_page in (
            ("GET 50 Locations", 10.0, Side.page),
            ("PATCH EVSE status, durable", 2.5, Side.status),
            ("POST CDR, durable", 1.8, Side.record),
        ):
            listing = side_page is Side.page
            context = (home if listing else visited).client_context()
            for several in (CONNECTIONS, 1):
                label = f"{what}, {several} connection{'s' if several > 1 else ''}"
                with (
                    connections(_url(ours, listing), context, several) as to_ours,
                    connections(_url(baseline, listing), context, several) as to_plain,
                ):
                    # A server lets go of a connection over which nothing is said at first.
                    for side, opened in ((ours, to_ours), (baseline, to_plain)):
                        side.round("first words", opened, lambda: side_page(side), several)  # noqa: B023
                    rows.append(
                        compare(
                            label,
                            lambda: ours.round(label, to_ours, lambda: side_page(ours), count),  # noqa: B023
                            lambda: baseline.round(label, to_plain, lambda: side_page(baseline), count),  # noqa: B023
                            baseline_name="FastAPI",
                            rounds=rounds,
                            aim=aim,
                        )
                    )
                spent = (side.processor_seconds[label][1:] for side in (ours, baseline))
                processor.append(Compared(label, "FastAPI", *spent))
        ours.end()
        baseline.end()
    print_table(f"Time a request, {count} a round, {rounds} rounds", rows)
    print_table("Processor time of the server a request", processor)


def _url(side: Side, listing: bool) -> str:
    return side.reached.list_url if listing else side.reached.push_url


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    run(*(given + [200, 7][len(given) :]))
