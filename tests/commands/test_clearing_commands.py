"""`evroam reconcile` and `evroam settle` at a clearing house's admin API, its books on a clock that stands."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.clearing_house.admin_api import clearing_routes
from core.clearing_house.clearing import Clearing
from core.clearing_house.intake import take_sdr, take_session
from core.clock import FixedClock
from core.endpoint.admin_api import Administered, serve_admin_api
from core.endpoint.endpoint import Endpoint
from core.endpoint.serving import listen, url_of
from core.endpoint.stored import Reader
from core.endpoint.tls import CertificateAuthority
from core.model.clearing.records import Witness
from core.model.parties import Party, PartyRole, PlatformRole
from core.running_platforms import announced, secret_of
from core.store.engine import Store
from tests.admin.processes import evroam, evroam_json
from tests.clearing_house.records import TERMS, at, held, record, sdr_json

ROLE = PartyRole(role=PlatformRole.CLEARING_HOUSE, party=Party.parse("BE*CLH"), name="House")
NAME = "clearing-house"


@dataclass
class House:
    """A clearing house whose loop runs in a thread of its own."""

    data: Path
    clock: FixedClock = field(default_factory=lambda: FixedClock(at(hours=2)))
    ready: threading.Event = field(default_factory=threading.Event)

    def run(self, *work: object) -> None:
        for one in work:
            asyncio.run_coroutine_threadsafe(one, self.loop).result(20)  # type: ignore[arg-type]

    async def main(self) -> None:
        self.loop, self.done = asyncio.get_running_loop(), asyncio.Event()
        identity = CertificateAuthority.open(self.data / "authority").identity(self.data / "identity", (ROLE,))
        url, listener = f"sqlite:///{self.data / 'house.sqlite'}", listen()
        store = await Store.open(url)
        self.clearing = Clearing(store, self.clock, Reader())
        endpoint = Endpoint(
            store=store, clock=self.clock, identity=identity, roles=(ROLE,), public_url="https://127.0.0.1:1"
        )
        secret = secret_of(self.data, NAME)
        administered = Administered(NAME, ROLE, endpoint, store, url, self.clock, identity, secret)
        async with serve_admin_api(administered, listener, clearing_routes(self.clearing)):
            with announced(self.data, NAME, url_of(listener)):
                self.ready.set()
                await self.done.wait()
        await store.close()


@contextmanager
def running(data: Path) -> Iterator[House]:
    house = House(data)
    thread = threading.Thread(target=lambda: asyncio.run(house.main()))
    thread.start()
    assert house.ready.wait(20)
    try:
        yield house
    finally:
        house.loop.call_soon_threadsafe(house.done.set)
        thread.join(20)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with running(tmp_path) as one:
        yield one


def test_a_day_is_reconciled_and_settled_in_plain_words(house: House, tmp_path: Path) -> None:
    data = ("--data", str(house.data))
    terms = tmp_path / "terms.json"
    terms.write_text(TERMS.model_dump_json())
    assert evroam("reconcile", *data, "--agree", str(terms)).stdout == (
        "0 SDRs judged, 0 matched with the provider's record.\nNo discrepancies.\n"
    )
    house.run(
        take_sdr(house.clearing, held(sdr_json(1))),
        take_session(house.clearing, Witness.HOME_CSP, record(1)),
        take_sdr(house.clearing, held(sdr_json(2, start=at(hours=-3)))),
    )
    shown = evroam("reconcile", *data, "--day", "2026-03-02").stdout
    assert "2 SDRs judged, 1 matched with the provider's record: 1 by session id." in shown
    assert "1 held for a person" in shown
    assert "D02 SDR without session: 1. The provider looks for the session" in shown
    assert "HOLD DE*VIS/C2, held for a person: The provider has no such session" in shown
    assert "2026-03-02 DE*VIS to NL*HOM: 2 SDRs, 20.0000 kWh, 7.8000 EUR" in shown
    assert "nobody has sent its own totals" in shown

    report = evroam_json("reconcile", *data, "--release", "DE*VIS/C2")
    assert report["outcomes"] == {"accepted": 2}
    house.clock.moment = at(days=3, hours=11)
    shown = evroam("settle", *data).stdout
    assert "2 SDRs approved, as their payers said nothing in time." in shown
    assert "Batch DE*VIS-NL*HOM-EUR-2026-03-07: open until its cut-off" in shown
    house.clock.moment = at(days=4, hours=11)
    shown = evroam("settle", *data, "--out", str(tmp_path / "out")).stdout
    assert "now calculated, both sides may confirm it; counts as confirmed from 2026-03-09" in shown
    assert "NL*HOM owes DE*VIS for 2 SDRs: 7.80 net, 9.28 EUR with taxes" in shown
    assert "taxes in DEU: 1.48 on 7.80 EUR" in shown
    assert "Account party/NL*HOM: -9.28 EUR" in shown
    written = sorted(one.name for one in (tmp_path / "out").iterdir())
    assert [name.rpartition(".")[2] for name in written] == ["csv", "pdf"]
    assert "C1,,2026-03-02T13:00:00+00:00,DEU" in (tmp_path / "out" / written[0]).read_text()
    house.clock.moment = at(days=8)
    settled = evroam_json("settle", *data)
    netting = settled["payments"][0]["netting_id"]
    assert evroam("settle", *data, "--received", netting, "NL*HOM", "9.281", "bank-1").exit_code == 2
    shown = evroam("settle", *data, "--received", netting, "NL*HOM", "9.28", "bank-1").stdout
    assert "now closed" in shown
    assert "DE*VIS is paid 9.28 EUR, 9.28 of it done (PAID)" in shown
    assert "Account" not in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("reconcile", "--day", "2026-02-30"), "Write it like 2026-03-02"),
        (("reconcile", "--release", "C1"), "party id"),
        (("reconcile", "--release", "DE*VIS/C9"), "not known here"),
        (("reconcile", "--rule", "DE*VIS/C9", "maybe"), "Write UPHELD, REJECTED or SPLIT"),
        (("reconcile", "--agree", "nowhere.json"), "cannot be read"),
        (("settle", "--cut", "2036-01-01"), "future"),
        (("settle", "--received", "x", "NL*HOM", "-1", "b"), "Write it like 12.50"),
        (("settle", "--failed", "x", "NL*HOM"), "owes nothing"),
    ],
)
def test_bad_input_is_a_sentence(house_with_terms: House, arguments: tuple[str, ...], words: str) -> None:
    result = evroam(*arguments, "--data", str(house_with_terms.data))
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.fixture(scope="module")
def house_with_terms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("house")) as one:
        one.run(one.clearing.agree(TERMS))
        yield one


def test_broken_terms_are_refused_with_the_place(house_with_terms: House, tmp_path: Path) -> None:
    file = tmp_path / "terms.json"
    file.write_text(json.dumps({**json.loads(TERMS.model_dump_json()), "time_zone": "Moon/Base"}))
    result = evroam("reconcile", "--agree", str(file), "--data", str(house_with_terms.data))
    assert result.exit_code == 2
    assert "time_zone" in result.stderr


def test_no_clearing_house_runs(tmp_path: Path) -> None:
    for command in ("reconcile", "settle"):
        result = evroam(command, "--data", str(tmp_path))
        assert result.exit_code == 2
        assert "No platform is running" in result.stderr
