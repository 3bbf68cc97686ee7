"""`evroam serve`: platforms in processes of their own, that meet over mutual TLS and let a driver charge."""

import asyncio
import gzip
import json
import signal
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from core.assembly import front_end
from core.driver_client import DriverClient
from core.driver_messages import Need, PinIdentification, QuoteRequest, SiteQuery
from core.endpoint.tls import CertificateAuthority
from core.model.receipt import CheckVerdict
from core.model.session import SessionState
from tests.admin.processes import Served, begin, evroam, evroam_json, first_line, served
from tests.networks import until

SPEED = "240"
"""A quarter of an hour, after which drivers leave, in less than four seconds."""

LUISENRING = {"latitude": Decimal("49.494409"), "longitude": Decimal("8.468098")}
CONTRACT = "NL-XYZ-C12345678"
HOME = ("home-csp", "--party", "NL*XYZ")


@dataclass
class Pair:
    """A home-CSP and a visited-CSO on two machines, as far as data folders tell."""

    home: Served
    visited: Served

    def driver(self) -> DriverClient:
        authority = CertificateAuthority.open(self.home.data / "authority")
        return DriverClient(self.home.addresses["driver_url"], front_end(self.home.data, authority).client_context())


def catalogue_arguments(shared_data: Path) -> tuple[str, ...]:
    file = shared_data / "bnetza_2019" / "locations.json.gz"
    price = ("--price-per-kwh", "0.49", "--currency", "EUR", "--vat", "19")
    return ("visited-cso", "--catalogue", str(file), "--party", "DE*MVV", "--name", "MVV Energie", *price)


@pytest.fixture(scope="module")
def pair(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both started together, so that their fast clocks show the same time."""
    folders = [tmp_path_factory.mktemp(name) for name in ("home", "visited")]
    arguments = [("home-csp", "--party", "NL*XYZ", "--name", "Home X"), catalogue_arguments(shared_data)]
    with ExitStack() as stack:
        started = [begin(data, *one, "--speed", SPEED) for data, one in zip(folders, arguments, strict=True)]
        for process in started:
            stack.callback(process.communicate)
            stack.callback(process.kill)
        home, visited = [
            Served(process, data, first_line(process)) for process, data in zip(started, folders, strict=True)
        ]
        yield Pair(home, visited)


def test_two_machines_meet_and_a_driver_charges_at_a_real_address(pair: Pair, tmp_path: Path) -> None:
    home, visited = ("--data", str(pair.home.data)), ("--data", str(pair.visited.data))
    invited = evroam_json("partner", "invite", "Home X", *visited)
    connect = ("partner", "connect", invited["versions_url"], invited["token"], *home)
    too_early = evroam(*connect)
    assert too_early.exit_code == 2
    assert "evroam certificates import" in too_early.stderr

    for exporter, importer, file in ((home, visited, "home.pem"), (visited, home, "visited.pem")):
        assert evroam("certificates", "export", str(tmp_path / file), *exporter).exit_code == 0
        assert evroam("certificates", "import", str(tmp_path / file), *importer).exit_code == 0
    connected = evroam_json(*connect)
    assert (connected["status"], connected["transport"], connected["name"]) == (
        "connected",
        "mutual-tls",
        "MVV Energie",
    )
    again = evroam(*connect)
    assert again.exit_code == 2  # a token registers once

    pulled = evroam_json("partner", "pull", "MVV Energie", *home)
    assert {(one["module"], one["last_error"]) for one in pulled["modules"]} == {
        (module, None) for module in ("tariffs", "locations", "sessions", "cdrs")
    }

    assert evroam("contract", "add", CONTRACT, "--pin", "2468", *home).exit_code == 0
    asyncio.run(charge(pair))
    (status,) = evroam_json("status", *home)
    modules = {one["module"]: one for one in status["partners"][0]["modules"]}
    assert set(modules) == {"tariffs", "locations", "sessions", "cdrs"}
    assert status["partners"][0]["backlog"]["objects"] == 0
    (theirs,) = evroam_json("partner", "list", *visited)
    assert "urn:ev-party:NL*XYZ:CSP" in theirs["certificate"]


async def charge(pair: Pair) -> None:
    """The main job: find the site, quote, start, stop, receipt."""
    driver = pair.driver()
    await driver.identify(PinIdentification(contract_id=CONTRACT, pin="2468"))
    found = (await driver.sites(SiteQuery(**LUISENRING, free=True, roaming=True))).sites
    assert (found[0].address, found[0].city) == ("Luisenring 49", "Mannheim")
    site = await driver.site(found[0].key)
    assert len(site.evses) == 4 and all(one.startable for one in site.evses)
    quote = await driver.quote(
        QuoteRequest(
            site=found[0].key,
            evse_uid=site.evses[0].uid,
            connector_id=site.evses[0].connectors[0].id,
            need=Need(amount=Decimal(5)),
        )
    )
    events = driver.events(0)
    session = await driver.start(quote.id)
    await until(events, lambda event: bool(event.session and event.session.energy_kwh > Decimal("0.5")))
    await driver.stop(session.id)
    receipt = (await until(events, lambda event: event.receipt is not None)).receipt
    await events.aclose()
    assert receipt is not None
    (line,) = receipt.lines
    # 0.49 EUR a kWh in steps of 1 Wh, and 19 % VAT on it.
    assert (line.unit_price, line.vat_percent, line.billed_quantity % Decimal("0.001")) == (Decimal("0.49"), 19, 0)
    assert line.billed_quantity - Decimal("0.001") < receipt.energy_kwh <= line.billed_quantity
    assert receipt.total == (line.billed_quantity * Decimal("0.49") * Decimal("1.19")).quantize(Decimal("0.01"))
    assert receipt.tariff_check.verdict is CheckVerdict.HOLDS
    assert (receipt.evse_id, receipt.address) == ("DE*MVV*E000001*1", "Luisenring 49")
    assert (await driver.session(session.id)).state is SessionState.RECONCILED
    await driver.close()


@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_and_comes_back_where_it_was(tmp_path: Path, wanted: signal.Signals) -> None:
    with served(tmp_path, "home-csp", "--party", "NL*XYZ") as first:
        assert first.stop(wanted) == (0, "")
        assert not (tmp_path / "administration" / "home-csp.json").exists()
    with served(tmp_path, "home-csp", "--party", "NL*XYZ") as second:
        assert second.addresses == first.addresses
        assert second.stop() == (0, "")
    assert "Traceback" not in (tmp_path / "home-csp.log").read_text()


def test_killed_it_leaves_nothing_that_stands_in_the_way(tmp_path: Path) -> None:
    with served(tmp_path, "home-csp", "--party", "NL*XYZ") as first:
        first.stop(signal.SIGKILL)
    assert (tmp_path / "administration" / "home-csp.json").exists()
    result = evroam("contract", "add", CONTRACT, "--data", str(tmp_path))
    assert (result.exit_code, "is running" in result.stderr) == (2, True)
    with served(tmp_path, "home-csp", "--party", "NL*XYZ"):
        assert evroam("contract", "add", CONTRACT, "--data", str(tmp_path)).exit_code == 0
        second = evroam("serve", "home-csp", "--party", "NL*XYZ", "--data", str(tmp_path))
        assert (second.exit_code, "already" in second.stderr) == (2, True)


def test_its_certificate_names_the_public_host(tmp_path: Path) -> None:
    public = "https://roaming.example.com:8443"
    with served(tmp_path, "home-csp", "--party", "NL*XYZ", "--public-url", public + "/") as platform:
        assert platform.addresses["versions_url"] == f"{public}/ocpi/versions"
        assert platform.addresses["driver_url"].startswith("https://roaming.example.com:")
        context = ssl.create_default_context(cadata=CertificateAuthority.open(tmp_path / "authority").export().decode())
        parts = urlsplit(platform.addresses["admin_url"])
        with socket.create_connection((parts.hostname, parts.port)) as plain:
            context.wrap_socket(plain, server_hostname="roaming.example.com").close()


def test_a_front_end_elsewhere_gets_an_identity_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "front-end.pem"
    with served(tmp_path, *HOME) as platform:
        assert evroam("certificates", "front-end", str(file), "--data", str(tmp_path)).exit_code == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        context = ssl.create_default_context(cafile=file)
        context.load_cert_chain(file)
        asyncio.run(greet(platform.addresses["driver_url"], context))


async def greet(driver_url: str, context: ssl.SSLContext) -> None:
    driver = DriverClient(driver_url, context)
    assert (await driver.health()).name == "NL*XYZ"
    await driver.close()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"nonsense", "not the certificate"), (b"\xff", "not a certificate"), (None, "cannot be read")],
)
def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "x.pem").write_bytes(content)
    result = evroam("certificates", "import", str(tmp_path / "x.pem"), "--data", str(tmp_path / "data"))
    assert (result.exit_code, said in result.stderr) == (2, True)


def test_a_platform_keeps_its_things_in_postgresql(tmp_path: Path, postgres_url: str) -> None:
    data = ("--data", str(tmp_path))
    with served(tmp_path, *HOME, "--database", postgres_url) as platform:
        assert evroam("contract", "add", CONTRACT, *data).exit_code == 0
        assert [one["id"] for one in evroam_json("contract", "list", *data)] == [CONTRACT]
        (status,) = evroam_json("status", *data)
        assert status["healthy"] and status["store"]["place"].startswith("postgresql")
        assert platform.stop() == (0, "")
    assert not list(tmp_path.glob("*.sqlite"))


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for option in ("--port", "--driver-port", "--admin-port"):
            result = evroam("serve", "home-csp", "--party", "NL*XYZ", "--data", str(tmp_path), option, port)
            assert result.exit_code == 2
            assert f"Port {port} of 127.0.0.1 cannot be used" in result.stderr
            assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("home-csp",), "--party"),
        (("home-csp", "--party", "Nobody"), "not a party id"),
        ((*HOME, "--port", "65536"), "--port"),
        ((*HOME, "--speed", "0"), "speed"),
        ((*HOME, "--host", "0.0.0.0"), "--public-url"),
        ((*HOME, "--host", "203.0.113.7"), "cannot be used"),
        ((*HOME, "--host", "no such host"), "cannot be used"),
        ((*HOME, "--public-url", "http://x"), "not a public URL"),
        ((*HOME, "--public-url", "https://x:99999"), "not a public URL"),
        ((*HOME, "--public-url", "https://x/ocpi"), "not a public URL"),
        ((*HOME, "--public-url", "https://u:p@x"), "not a public URL"),
        ((*HOME, "--allow-network", "10.0.0.0/99"), "--allow-network"),
        ((*HOME, "--database", "mysql://x/y"), "neither a SQLite file nor a PostgreSQL database"),
        ((*HOME, "--database", "postgresql+psycopg://u:secret@127.0.0.1:9/x"), "cannot be opened or reached"),
    ],
)
def test_arguments_that_cannot_be_are_told(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = evroam("serve", *arguments, "--data", str(tmp_path))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output and "secret" not in result.output


def site(party_id: str) -> dict[str, object]:
    """A site of which only what is needed is told."""
    connector = {
        "id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230,
        "max_amperage": 32, "last_updated": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    evse = {"uid": "E1", "status": "UNKNOWN", "connectors": [connector], "last_updated": "2026-01-01T00:00:00Z"}
    return {
        "country_code": "DE", "party_id": party_id, "id": "L1", "publish": True, "address": "Weg 1", "city": "Ort",
        "country": "DEU", "coordinates": {"latitude": "49.5", "longitude": "8.5"}, "time_zone": "Europe/Berlin",
        "evses": [evse], "last_updated": "2026-01-01T00:00:00Z",
    }  # fmt: skip


TARIFF = {
    "country_code": "DE", "party_id": "AAA", "id": "T1", "currency": "EUR", "last_updated": "2026-01-01T00:00:00Z",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.5, "step_size": 1}]}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "either --tariff FILE or --price-per-kwh"),
        (("--price-per-kwh", "1", "--tariff", "tariff.json"), "either --tariff FILE or --price-per-kwh"),
        (("--price-per-kwh", "0,49"), "--price-per-kwh is “0,49”"),
        (("--price-per-kwh", "-1"), "--price-per-kwh is “-1”"),
        (("--price-per-kwh", "NaN"), "a number from 0"),
        (("--price-per-kwh", "1", "--vat", "101"), "a number from 0 to 100"),
        (("--price-per-kwh", "1", "--currency", "Euro"), "The tariff is not usable: currency"),
        (("--tariff", "missing.json"), "missing.json cannot be read"),
        (("--tariff", "sites.json"), "tariff 0"),
        (("--tariff", "foreign.json"), "is of DE*BBB, not of DE*AAA"),
        (("--tariff", "empty.json"), "has no tariff"),
        (("--price-per-kwh", "1", "--party", "DE*CCC"), "no site of DE*CCC"),
        (("--price-per-kwh", "1", "--catalogue", "missing.json"), "cannot be read"),
        (("--price-per-kwh", "1", "--catalogue", "cut.json"), "ends inside"),
    ],
)
def test_catalogues_and_tariffs_that_cannot_be_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in {
        "sites.json": json.dumps([site("AAA"), site("BBB")]),
        "tariff.json": json.dumps(TARIFF),
        "foreign.json": json.dumps([{**TARIFF, "party_id": "BBB"}]),
        "empty.json": "[]",
        "cut.json": json.dumps([site("AAA"), site("BBB")])[:-20],
    }.items():
        (tmp_path / name).write_text(content)
    given = ("--party", "DE*AAA", "--catalogue", "sites.json", *arguments, "--data", str(tmp_path / "data"))
    result = evroam("serve", "visited-cso", *given)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_records_that_are_left_out_are_told_and_a_tariff_file_serves(tmp_path: Path) -> None:
    broken = {**site("AAA"), "id": "L2", "coordinates": None}
    (tmp_path / "sites.json.gz").write_bytes(gzip.compress(json.dumps([broken, site("AAA")]).encode()))
    (tmp_path / "tariff.json").write_text(json.dumps(TARIFF))
    files = ("--catalogue", str(tmp_path / "sites.json.gz"), "--tariff", str(tmp_path / "tariff.json"))
    with served(tmp_path, "visited-cso", "--party", "DE*AAA", *files) as platform:
        assert (platform.addresses["platform"], platform.addresses["sites"]) == ("de-aaa", 1)
        code, said = platform.stop()
    assert code == 0
    assert "1 records are left out, the first: record 0: " in said
