"""The process is killed while a driver charges, and started again: nothing is lost, nothing is started twice."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from core.data_folder import HOME_CSP, store_path
from core.demo import demo_network
from core.driver_client import DriverClient
from core.driver_messages import (
    Login,
    Need,
    PinIdentification,
    QuoteRequest,
    QuoteView,
    SessionView,
    SiteQuery,
)
from core.driver_messages.reservations import ReservationWish
from core.endpoint.tls import CertificateAuthority
from core.model.parties import ObjectKey
from core.model.session import OPEN, ServiceSession, SessionState
from core.store.tables import sdr, service_session
from tests.network.charging import Events, in_state, receipt_for
from tests.networks import heard_by, until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

RESERVABLE = ObjectKey(country_code="DE", party_id="KPF", id="KPF-B-MOABIT")
"""A site whose posts can be reserved."""

ROOT = Path(__file__).resolve().parents[2]
OPERATORS = tuple(one.slug for one in demo_network().visited_csos)
START_WITHIN = 60.0
SEED = 63119
"""Draws how many events a life lasts beyond the one that is waited for."""


@dataclass
class Life:
    """One life of the process, and a driver at its door."""

    process: asyncio.subprocess.Process
    driver: DriverClient

    async def kill(self) -> None:
        """As the power goes: no signal that could be handled."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
        await self.driver.close()


@asynccontextmanager
async def lives(folder: Path) -> AsyncIterator["Lives"]:
    """Processes over one data folder; what still runs at the end is killed."""
    all_lives = Lives(folder)
    try:
        yield all_lives
    finally:
        await all_lives.end()


class Lives:
    """Starts the process again and again; the driver's identification outlives each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._login: Login | None = None
        self._now: Life | None = None

    async def begin(self) -> Life:
        """Start the process and wait until it answers."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.network.network_process", str(self._folder)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        async with asyncio.timeout(START_WITHIN):
            url = (await process.stdout.readline()).decode().strip()
        assert url, f"the network ended with {await process.wait()}"
        authority = CertificateAuthority.open(self._folder / "authority")
        identity = authority.identity(self._folder / "identities" / "front-end", ())
        driver = DriverClient(url, identity.client_context())
        self._now = Life(process, driver)
        if self._login is None:
            demo = demo_network().driver
            self._login = await driver.identify(PinIdentification(contract_id=demo.contract, pin=demo.pin))
        driver.resume(self._login)
        return self._now

    async def end(self) -> None:
        """Kill what still runs."""
        if self._now is not None and self._now.process.returncode is None:
            with suppress(ProcessLookupError):
                await self._now.kill()


async def quote(driver: DriverClient) -> QuoteView:
    """A quote at the fastest free connector near the kiosk, for more than the session will take."""
    start = demo_network().start
    query = SiteQuery(latitude=start.latitude, longitude=start.longitude, free=True, roaming=True)
    found = await driver.sites(query)
    site = await driver.site(max(found.sites, key=lambda one: one.max_kw).key)
    evse = max((one for one in site.evses if one.startable), key=lambda one: one.connectors[0].max_kw)
    need = Need(amount=Decimal(50))
    return await driver.quote(
        QuoteRequest(site=site.summary.key, evse_uid=evse.uid, connector_id=evse.connectors[0].id, need=need)
    )


async def some_more(events: Events, session_id: str, count: int) -> SessionView:
    """The last of so many further events of a session."""
    for _ in range(count):
        event = await until(events, lambda event: event.session is not None and event.session.id == session_id)
    assert event.session is not None
    return event.session


def kept(folder: Path, platform: str) -> list[ServiceSession]:
    """The sessions in a platform's store; the process is not running."""
    engine = create_engine(f"sqlite:///{store_path(folder, platform)}")
    with engine.connect() as connection:
        bodies = connection.execute(select(service_session.c.body)).scalars().all()
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    engine.dispose()
    return [ServiceSession.model_validate_json(body) for body in bodies]


def sdrs_of(folder: Path, platform: str, session_id: str) -> list[tuple[Decimal, bool]]:
    """Energy of each SDR of a session, and whether there is a receipt."""
    engine = create_engine(f"sqlite:///{store_path(folder, platform)}")
    with engine.connect() as connection:
        query = select(sdr.c.energy, sdr.c.receipt).where(sdr.c.session_id == session_id)
        found = [(row.energy, row.receipt is not None) for row in connection.execute(query)]
    engine.dispose()
    return found


def grows_as_physics_allow(before: SessionView, after: SessionView, max_kw: Decimal) -> bool:
    """Energy never runs back, and no more of it than the connector gives in the time between the two words."""
    assert before.last_word_at is not None and after.last_word_at is not None
    hours = Decimal(str((after.last_word_at - before.last_word_at).total_seconds())) / 3600
    return Decimal(0) <= after.energy_kwh - before.energy_kwh <= max_kw * hours


async def test_a_session_outlives_the_process(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    async with lives(tmp_path) as run:
        life = await run.begin()
        agreed = await quote(life.driver)
        max_kw = agreed.connector.max_kw
        events = life.driver.events(0)
        id = (await life.driver.start(agreed.id)).id
        active = (await until(events, in_state(SessionState.ACTIVE, id=id))).session
        assert active is not None
        await life.kill()

        life = await run.begin()
        charging = (await heard_by(life.driver, lambda event: bool(event.session and event.session.energy_kwh))).session
        assert charging is not None
        before = await some_more(life.driver.events(0), id, chance.randint(1, 4))
        await life.kill()

        life = await run.begin()
        back = await life.driver.session(id)
        assert back.state is SessionState.ACTIVE
        assert grows_as_physics_allow(before, back, max_kw)
        events = life.driver.events()
        later = await some_more(events, id, chance.randint(1, 3))
        assert grows_as_physics_allow(back, later, max_kw)
        assert later.energy_kwh > before.energy_kwh
        await life.driver.stop(id)
        await life.kill()

        life = await run.begin()
        assert (await life.driver.session(id)).stop_requested_at is not None
        await heard_by(life.driver, in_state(SessionState.CLOSING, SessionState.RECONCILED, id=id))
        await life.kill()

        life = await run.begin()
        receipt = (await heard_by(life.driver, receipt_for(id))).receipt
        assert receipt is not None
        assert [one.id for one in (await life.driver.receipts()).receipts] == [receipt.id]
        assert (await life.driver.session(id)).state is SessionState.RECONCILED
        await life.kill()

    assert receipt.energy_kwh >= later.energy_kwh
    [at_home] = [one for one in kept(tmp_path, HOME_CSP) if one.id == id]
    [at_operator] = [one for slug in OPERATORS for one in kept(tmp_path, slug)]
    assert at_home.visited_session_id == at_operator.id
    assert at_home.energy == at_operator.energy == receipt.energy_kwh
    assert sdrs_of(tmp_path, HOME_CSP, id) == [(receipt.energy_kwh, True)]
    assert [one for slug in OPERATORS for one in sdrs_of(tmp_path, slug, at_operator.id)] == [
        (receipt.energy_kwh, False)
    ]


async def test_a_start_on_its_way_when_the_process_is_killed_ends_on_evidence(tmp_path: Path) -> None:
    async with lives(tmp_path) as run:
        life = await run.begin()
        id = (await life.driver.start((await quote(life.driver)).id)).id
        await life.kill()

        life = await run.begin()
        final = SessionState.REJECTED, SessionState.EXPIRED, SessionState.RECONCILED
        ended = (await heard_by(life.driver, in_state(*final, id=id), timeout=60)).session
        assert ended is not None
        receipts = (await life.driver.receipts()).receipts
        await life.kill()

    [at_home] = kept(tmp_path, HOME_CSP)
    assert at_home.state is ended.state
    at_operators = [one for slug in OPERATORS for one in kept(tmp_path, slug)]
    assert len(at_operators) <= 1 and not any(one.state in OPEN for one in at_operators)
    assert len(receipts) == len(sdrs_of(tmp_path, HOME_CSP, id)) == (ended.state is SessionState.RECONCILED)


async def test_a_reservation_outlives_the_process_and_is_given_back_once(tmp_path: Path) -> None:
    over = SessionState.CANCELLED, SessionState.RECONCILED, SessionState.NO_SHOW
    async with lives(tmp_path) as run:
        life = await run.begin()
        site = await life.driver.site(RESERVABLE)
        evse = next(one for one in site.evses if one.startable)
        wanted = QuoteRequest(
            site=RESERVABLE, evse_uid=evse.uid, connector_id=evse.connectors[0].id, need=Need(amount=Decimal(10))
        )
        agreed = await life.driver.quote(wanted)
        id = (await life.driver.reserve(ReservationWish(quote_id=agreed.id, minutes=30))).id
        await heard_by(life.driver, in_state(SessionState.RESERVED, id=id))
        await life.kill()

        life = await run.begin()
        assert (await life.driver.session(id)).state is SessionState.RESERVED
        status = next(one.status for one in (await life.driver.site(RESERVABLE)).evses if one.uid == evse.uid)
        assert status == "RESERVED"
        await life.driver.cancel_reservation(id)
        await life.kill()

        life = await run.begin()
        await heard_by(life.driver, in_state(*over, id=id), timeout=60)
        await life.kill()

    [at_home] = kept(tmp_path, HOME_CSP)
    [at_operator] = [one for slug in OPERATORS for one in kept(tmp_path, slug)]
    assert at_home.visited_session_id == at_operator.id
    assert at_home.state in over and at_operator.state not in OPEN
    assert len(sdrs_of(tmp_path, HOME_CSP, id)) <= 1
