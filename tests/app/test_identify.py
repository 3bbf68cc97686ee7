"""Who pays: by card, by contract and PIN, remembered on one's own terminal and on no public one."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from keyring.backends.fail import Keyring as FailingKeyring

from app.kiosk import Kiosk, Mode
from app.memory import Memory
from app.screens.find import FindScreen
from app.screens.identify import IdentifyScreen, is_card, is_contract
from app.screens.scan import ScanScreen
from app.screens.welcome import WelcomeScreen
from core.driver_messages import Login
from tests.app.conftest import screen_text
from tests.app.front import Beside, press, scan, settled, until

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


async def asked(pilot) -> None:
    await settled(pilot)
    pilot.app.open_identify()
    await settled(pilot)


def identifying(beside: Beside, steps, **options):
    async def go():
        app = beside.kiosk(**options)
        async with app.run_test(size=(80, 24)) as pilot:
            await asked(pilot)
            return await steps(app, pilot)

    return asyncio.run(go())


def test_identification_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(lambda clock: beside.kiosk(mode=Mode.KIOSK), settle=asked)


def test_identification_on_the_smallest_screen_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(lambda clock: beside.kiosk(language="de"), settle=asked, sizes=[(40, 15)], name="small")


def test_a_refusal_looks_as_stored(snap_screens, beside: Beside) -> None:
    async def refused(pilot) -> None:
        await asked(pilot)
        await scan(pilot, "04FFFFFFFFFF80")

    snap_screens(lambda clock: beside.kiosk(language="fr", dark=False), settle=refused, name="refused")


def test_contract_and_pin_identify(beside: Beside) -> None:
    driver = beside.network.demo.driver

    async def steps(app: Kiosk, pilot) -> None:
        app.screen.query_one("#contract").value = driver.contract
        await press(pilot, "enter", *driver.pin)
        assert driver.pin not in screen_text(app), "a PIN is never shown"
        await press(pilot, "enter")
        assert isinstance(app.screen, WelcomeScreen)
        assert "Demo Driver, contract …5678" in screen_text(app)

    identifying(beside, steps)


def test_a_wrong_pin_is_refused_and_erased(own_network: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        app.screen.query_one("#contract").value = own_network.network.demo.driver.contract
        await press(pilot, "enter", *"0000", "enter")
        assert "Your provider does not know this card, or contract and PIN." in screen_text(app)
        assert app.screen.query_one("#pin").value == ""
        assert app.login is None

    identifying(own_network, steps)


def test_half_an_identification_is_not_sent(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        await press(pilot, "enter", "enter")
        assert "Type both the contract number and the PIN." in screen_text(app)
        assert app.focused.id == "contract"

    identifying(beside, steps)


def test_a_card_identifies_on_every_screen(beside: Beside) -> None:
    [card, *_] = beside.network.demo.driver.cards

    async def go() -> None:
        app = beside.kiosk(mode=Mode.KIOSK)
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            await press(pilot, "enter")
            await scan(pilot, card)
            await until(pilot, lambda: app.login is not None)
            assert isinstance(app.screen, FindScreen), "back where the card was held to the reader"
            assert app.login.method == "card"
            assert card not in screen_text(app)

    asyncio.run(go())


def test_a_scanned_contract_fills_the_field_and_other_codes_are_judged(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        await scan(pilot, "NL-EVR-C12345678-A")
        assert isinstance(app.screen, IdentifyScreen)
        assert app.screen.query_one("#contract").value == "NL-EVR-C12345678-A"
        assert app.focused.id == "pin"
        await scan(pilot, "https://pay.example/x")
        assert isinstance(app.screen, ScanScreen)

    identifying(beside, steps)


def test_cards_and_contracts_are_told_apart() -> None:
    assert is_card("04A2B3C4D5E680") and not is_contract("04A2B3C4D5E680")
    assert is_contract("NL-EVR-C12345678-A") and not is_card("NL-EVR-C12345678-A")
    assert not is_card("DE*KPF*E1001*2") and not is_contract("DE*KPF*E1001*2")


def login(hours: int = 1) -> Login:
    return Login(token="secret-token", contract="…5678", method="pin", expires_at=NOW + timedelta(hours=hours))


def test_a_login_is_kept_for_its_owner_alone_until_it_expires(tmp_path: Path) -> None:
    memory = Memory.open(tmp_path, "home")
    assert memory.load(NOW) is None
    assert memory.keep(login())
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert Memory.open(tmp_path, "home").load(NOW) == login()
    assert Memory.open(tmp_path, "another home").load(NOW) is None
    assert memory.load(NOW + timedelta(hours=2)) is None
    memory.forget()
    assert memory.load(NOW) is None
    assert "secret-token" not in file.read_text()


@pytest.mark.parametrize("content", ["", "garbage", "[evroam]\nhome = %%%\n", "[evroam]\nhome = e30=\n"])
def test_a_broken_keyring_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "keyring.cfg").write_text(content)
    memory = Memory.open(tmp_path, "home")
    assert memory.load(NOW) is None
    memory.forget()


def test_a_keyring_that_refuses_costs_only_another_identification() -> None:
    memory = Memory(FailingKeyring(), "home")
    assert memory.load(NOW) is None
    assert not memory.keep(login())
    memory.forget()


def test_a_personal_terminal_remembers_and_a_public_one_does_not(beside: Beside, tmp_path: Path) -> None:
    driver = beside.network.demo.driver
    memory = Memory.open(tmp_path, "home")

    async def visit(mode: Mode) -> None:
        app = beside.kiosk(mode=mode, memory=memory)
        async with app.run_test(size=(80, 24)) as pilot:
            await asked(pilot)
            app.screen.query_one("#contract").value = driver.contract
            app.screen.query_one("#pin").value = driver.pin
            app.screen.query_one("#pin").focus()
            await press(pilot, "enter")
            assert app.login is not None

    async def come_back() -> bool:
        app = beside.kiosk(memory=memory)
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            await pilot.pause()
            known = app.login is not None
            if known:
                await pilot.click("#sign-out")
                await settled(pilot)
            return known

    asyncio.run(visit(Mode.KIOSK))
    assert not asyncio.run(come_back())
    asyncio.run(visit(Mode.DRIVER))
    assert asyncio.run(come_back())
    assert not asyncio.run(come_back()), "signed out is forgotten"
