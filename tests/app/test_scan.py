"""Scanning on every screen: the verdict, where a code leads, and what never happens."""

import asyncio
import re
from pathlib import Path

import pytest
import segno
from PIL import Image
from textual import events

from app.image_code import codes_in, named_file
from app.kiosk import Kiosk, Mode
from app.screens.find import FindScreen
from app.screens.quote import QuoteScreen
from app.screens.scan import ScanScreen
from app.screens.site import SiteScreen
from app.text import LANGUAGES, Text
from app.verdict_words import judge, near_misses, verdict_lines
from core.errors import InvalidInput
from core.model.scan import RefusalCode, TrustedHosts
from tests.app.conftest import screen_text
from tests.app.front import Beside, press, scan, settled, type_text, until
from tests.networks import MONDAY_MORNING

GOOD = "https://m.intercharge.eu/?evseid=DE*KPF*E1001*2"
STICKER = "https://m.intercharge.eu.pay.example/?evseid=DE*KPF*E1001*2"
NEAR = "DE*KPF*E1001*9"
TRUST = TrustedHosts.from_json('{"hosts": [{"host": "m.intercharge.eu", "id_in": "query"}]}')


def scanned(payload: str):
    async def settle(pilot) -> None:
        await settled(pilot)
        await scan(pilot, payload)

    return settle


def scanning(beside: Beside, steps, **options):
    async def go():
        app = beside.kiosk(**options)
        async with app.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            return await steps(app, pilot)

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("name", "payload"), [("trusted", GOOD), ("sticker", STICKER), ("near", NEAR)], ids=["trusted", "sticker", "near"]
)
def test_verdict_looks_as_stored(snap_screens, beside: Beside, name: str, payload: str) -> None:
    snap_screens(lambda clock: beside.kiosk(mode=Mode.KIOSK), settle=scanned(payload), name=name)


def test_verdict_on_the_smallest_screen_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(
        lambda clock: beside.kiosk(language="nl", dark=False), settle=scanned(GOOD), sizes=[(40, 15)], name="small"
    )


def test_the_field_for_a_typed_code_looks_as_stored(snap_screens, beside: Beside) -> None:
    async def typing(pilot) -> None:
        await settled(pilot)
        pilot.app.open_scan()
        await settled(pilot)

    snap_screens(lambda clock: beside.kiosk(language="de"), settle=typing, name="typed")


def test_a_trusted_code_leads_to_the_price_after_a_look_at_the_post(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        await scan(pilot, GOOD)
        shown = screen_text(app)
        assert "✓ Trusted code for DE*KPF*E1001*2" in shown
        assert "A2 at Mannheim Hbf, Tiefgarage Südflügel, Kurpfalz Ladestrom" in shown
        assert "Does the post say A2?" in shown
        assert isinstance(app.screen, ScanScreen), "the scanner's Enter starts nothing"
        await press(pilot, "enter")
        assert isinstance(app.screen, QuoteScreen)
        assert app.screen.quote.label == "A2"

    scanning(beside, steps)


def test_a_point_with_several_connectors_leads_to_its_site(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        await scan(pilot, "DE*KPF*E1002*2")
        await press(pilot, "enter")
        assert isinstance(app.screen, SiteScreen)
        await press(pilot, "enter")
        assert app.screen.quote.evse_id == "DE*KPF*E1002*2", "the cursor stood on the scanned point"

    scanning(beside, steps)


def test_a_sticker_is_refused_with_its_host_taken_apart_and_nothing_is_asked(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        await scan(pilot, STICKER)
        shown = re.sub(r"\s+▌?\s*", " ", screen_text(app))
        assert "✕ Refused" in shown and "It imitates m.intercharge.eu." in shown
        assert "not on this machine’s list" in shown
        assert "The code was read, not opened." in shown
        await press(pilot, "enter")
        assert isinstance(app.screen, ScanScreen)

    scanning(beside, steps)


def test_scanning_works_on_every_screen_and_over_every_dialogue(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        await scan(pilot, GOOD)
        for opened in ("enter", "f4"):
            await press(pilot, opened)
            await scan(pilot, STICKER)
            assert isinstance(app.screen, ScanScreen), opened
            assert "Refused" in screen_text(app)
            await press(pilot, "escape")
        assert isinstance(app.screen, QuoteScreen)
        await press(pilot, "escape", "enter")
        assert isinstance(app.screen, FindScreen)
        await scan(pilot, "q" * 600)
        assert "far longer than any EVSE id" in screen_text(app)

    scanning(beside, steps)


def test_a_near_miss_is_offered_and_judged_when_chosen(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        await scan(pilot, NEAR)
        assert f"{NEAR} is well written, but your provider does not know this point." in screen_text(app)
        assert "Did you mean DE*KPF*E1001*1?" in screen_text(app)
        offered = re.findall(r"Did you mean (\S+)\?", screen_text(app))
        await press(pilot, "down", "enter")
        assert f"✓ Trusted code for {offered[1]}" in screen_text(app)

    scanning(beside, steps)


def test_a_code_can_be_typed_pasted_and_read_from_an_image(beside: Beside, tmp_path: Path) -> None:
    image = tmp_path / "code on the post.png"
    segno.make(GOOD, error="m").save(str(image), scale=4)

    async def steps(app: Kiosk, pilot) -> None:
        app.post_message(events.Paste(GOOD))
        await until(pilot, lambda: isinstance(app.screen, ScanScreen))
        assert "✓ Trusted code" in screen_text(app)
        await press(pilot, "f2")
        await type_text(pilot, "DE*KPF*E1001*3")
        await press(pilot, "enter")
        assert "Does the post say A3?" in screen_text(app)
        await press(pilot, "f4")
        await type_text(pilot, f'"{image}"')
        await press(pilot, "enter")
        assert "Does the post say A2?" in screen_text(app)
        await press(pilot, "f4")
        await type_text(pilot, str(tmp_path / "none.png"))
        await press(pilot, "enter")
        assert "none.png cannot be read as an image." in screen_text(app)

    scanning(beside, steps)


def test_a_public_machine_opens_no_files(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        await scan(pilot, STICKER)
        assert "image file" not in screen_text(app)
        await press(pilot, "f4")
        assert not app.screen.query_one("#typed").display

    scanning(beside, steps, mode=Mode.KIOSK)


def test_images_are_read_and_what_is_no_image_is_refused(tmp_path: Path) -> None:
    segno.make("DE*ABC*E1", micro=False).save(str(tmp_path / "code.png"), scale=5)
    Image.open(tmp_path / "code.png").convert("RGB").save(tmp_path / "code.jpg")
    for kind in ("png", "jpg"):
        assert codes_in(tmp_path / f"code.{kind}") == ("DE*ABC*E1",)
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "cut.png").write_bytes((tmp_path / "code.png").read_bytes()[:60])
    for name in ("text.png", "cut.png", "none.png", "."):
        with pytest.raises(InvalidInput):
            codes_in(tmp_path / name)


@pytest.mark.parametrize(
    ("typed", "path"),
    [("'/a b/c.png'", "/a b/c.png"), ("file:///a%20b/c.png", "/a b/c.png"), (" /c.png ", "/c.png")],
)
def test_a_file_is_named_in_any_way_a_terminal_drops_it(typed: str, path: str) -> None:
    assert named_file(typed) == Path(path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_payload_gets_a_verdict_in_words_that_steer_nothing(language: str, shared_data: Path) -> None:
    import json

    for line in (shared_data / "qr" / "payloads.jsonl").read_text(encoding="utf-8").splitlines():
        payload = json.loads(line)["payload"]
        verdict = judge(payload, False, TRUST, MONDAY_MORNING)
        shown = "\n".join(one.plain for one in verdict_lines(verdict, payload, Text(language)))
        assert shown and not re.search(r"[\x00-\x09\x0b-\x1f\x7f‪-‮⁦-⁩]", shown), payload
        if verdict.code in {RefusalCode.RFID_UID, RefusalCode.CONTRACT_ID_NOT_EVSE}:
            assert payload.strip() not in shown, "nothing personal is echoed"


def test_near_misses_are_found_in_the_sentence() -> None:
    assert near_misses("Did you mean DE*KPF*E1001*1 or DE*KPF*E1001*2?") == ("DE*KPF*E1001*1", "DE*KPF*E1001*2")
    assert near_misses("Compare it with the label on the post.") == ()
