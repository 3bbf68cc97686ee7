"""The receipt: every figure with its reason, and files that overwrite nothing."""

import asyncio
import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from app.kiosk import Mode
from app.receipt_files import LINE_COLUMNS, NotSaved, receipt_csv, receipt_json, save
from app.receipt_words import explained, facts_of, proof_of, values_of
from app.screens.receipt import ReceiptScreen
from app.text import LANGUAGES, Text
from core.clock import FixedClock
from core.model.receipt import Check, CheckVerdict, Receipt
from tests.app.conftest import screen_text
from tests.app.sessions import NOW, Shown, done, line, receipt

EN = Text()


def broken() -> Receipt:
    """Above the most of its quote, and a bill that does not fit its tariff."""
    return receipt(
        quote_check=Check(verdict=CheckVerdict.DIFFERS, code="above_most", detail="0.40"),
        tariff_check=Check(verdict=CheckVerdict.DIFFERS, code="energy_cost", detail="12.10 / 11.83"),
    )


def as_quoted() -> Receipt:
    lines = tuple(one.model_copy(update={"quoted": one.net, "explanation": ""}) for one in receipt().lines)
    return receipt(lines=lines, quoted_total=Decimal("14.73"))


def bare() -> Receipt:
    """No tariff and no quote: the operator's total is passed on."""
    return receipt(
        lines=(),
        taxes=(),
        quote_id=None,
        quoted_total=None,
        meter_start=None,
        authorization_reference="",
        quote_check=Check(verdict=CheckVerdict.NOT_CHECKED, code="no_quote"),
        tariff_check=Check(verdict=CheckVerdict.NOT_CHECKED, code="no_tariff"),
        operator_claim=None,
    )


def disputed() -> Receipt:
    return receipt(disputed_at=NOW)


def taken_back() -> Receipt:
    return receipt(disputed_at=NOW, credited_at=NOW, replaced_by="NL-EVR-2026-0000000002")


STATES = {
    "differs": receipt,
    "as-quoted": as_quoted,
    "broken": broken,
    "bare": bare,
    "disputed": disputed,
    "taken-back": taken_back,
}


@pytest.mark.parametrize("state", STATES)
def test_receipt_looks_as_stored(snap_screens, state: str) -> None:
    snap_screens(lambda clock: Shown(clock, ReceiptScreen("x", STATES[state]())), name=state)


def test_smallest_receipt_looks_as_stored(snap_screens) -> None:
    snap_screens(
        lambda clock: Shown(clock, ReceiptScreen("x", receipt()), language="fr", dark=False),
        sizes=[(40, 15)],
        name="small-light-french",
    )


def test_lines_are_unit_price_times_quantity_as_people_read_them() -> None:
    """0.05 h at € 5.04 an hour are 3 min at € 0.084 a minute."""
    energy, parking, fee = values_of(receipt(), EN).lines
    assert (energy.quantity, energy.unit, energy.unit_price) == (Decimal("36.112"), "kWh", Decimal("0.3277"))
    assert energy.step == "measured 36.1118 kWh, billed in steps of 1 Wh"
    assert (parking.quantity, parking.unit, parking.unit_price) == (Decimal(3), "min", Decimal("0.084"))
    assert energy.difference == Decimal("0.0367024")
    assert (fee.description, fee.step, fee.difference) == ("provider’s fee", "Evroam Demo", Decimal(0))


def test_a_fee_in_percent_says_of_what() -> None:
    part = line("fee", unit="percent", unit_price=Decimal("2.5"), billed_quantity=Decimal("11.8"), payee="Evroam Demo")
    (shown,) = values_of(receipt(lines=(part,)), EN).lines
    assert shown.step == "Evroam Demo · 2.5 % × €11.80"


def test_time_billed_in_steps_says_so() -> None:
    """250 s in steps of 300 s are 300 s."""
    part = line("time", quantity=Decimal(250) / 3600, billed_quantity=Decimal(300) / 3600, step=300)
    (shown,) = values_of(receipt(lines=(part,)), EN).lines
    assert (shown.quantity, shown.step) == (Decimal(5), "measured 4 min, billed in steps of 5 min")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("more_energy:0.112", "112 Wh more than planned"),
        ("less_energy:3.25", "3.25 kWh less than planned"),
        ("longer:3", "3 min longer than planned"),
        ("shorter:12", "12 min shorter than planned"),
        ("not_expected", "not foreseen in the quote"),
        ("", ""),
        ("longer:x", "not as quoted (code longer); your provider can tell why"),
        ("longer:NaN", "not as quoted (code longer); your provider can tell why"),
        ("new_code:1", "not as quoted (code new_code); your provider can tell why"),
    ],
)
def test_every_explanation_is_a_sentence(code: str, sentence: str) -> None:
    assert explained(code, EN) == sentence
    assert len({explained(code, Text(language)) for language in LANGUAGES}) == (len(LANGUAGES) if sentence else 1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_proof_says_what_holds_what_differs_and_what_was_not_checked(language: str) -> None:
    text = Text(language)
    assert [one.shape for one in proof_of(receipt(), text)] == ["✓", "✓"]
    quote, tariff = proof_of(broken(), text)
    assert (quote.shape, tariff.shape) == ("✕", "✕")
    assert text.money(Decimal("0.4"), "EUR") in quote.words.replace("\\", "")
    assert "12.10 / 11.83" in tariff.words and "energy_cost" not in tariff.words
    assert [one.shape for one in proof_of(bare(), text)] == ["?", "?"]
    how = receipt(tariff_check=Check(verdict=CheckVerdict.HOLDS, code="explained", detail="step: each_period"))
    assert "step: each_period" in proof_of(how, text)[1].words


def test_all_that_names_the_session_is_there() -> None:
    said = " ".join(value for _, value in facts_of(receipt(), EN))
    for wanted in (
        "Evroam Demo (NL-EVR)", "MVV Energie AG (DE-MVV)", "A2 · DE*MVV*E000001*2", "Bismarckstr. 4, Mannheim, DEU",
        "51 min", "0 min", "10,482.317 → 10,518.429 kWh", "…3F20", "9f31c0de-5a", "a77c-11", "0b9ad0f4-sdr", "Q-7F3A",
        "€14.38",
    ):  # fmt: skip
        assert wanted in said
    for last in ("3F20", "…3F20"):
        told = dict(facts_of(receipt(credential_last4=last), EN))["identified by"]
        assert told.count("…") == 1 and told.endswith(", …3F20")
    assert "readings not reported" in " ".join(value for _, value in facts_of(bare(), EN))


def test_json_is_the_receipt_to_the_last_digit() -> None:
    assert Receipt.model_validate_json(receipt_json(receipt())) == receipt()
    assert json.loads(receipt_json(receipt()))["lines"][0]["net"] == "11.8339024"


def test_csv_is_a_row_a_line_and_a_total_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(receipt_csv(receipt(site_name="=cmd|' /C calc'!A0")))))
    assert [row["kind"] for row in rows] == ["energy", "parking", "fee", "total"]
    assert rows[0]["net"] == "11.8339024" and rows[0]["started_at"] == "2026-11-22T14:07:31+01:00"
    assert rows[-1]["gross"] == "14.73" and rows[-1]["net"] == "12.38"
    assert rows[0]["site"] == "'=cmd|' /C calc'!A0"
    assert all(None not in row and set(row) == set(LINE_COLUMNS) for row in rows)


def test_saving_overwrites_nothing_and_leaves_the_folder_never(tmp_path: Path) -> None:
    first = save("one", "DE/../../x y", "csv", tmp_path)
    second = save("two", "DE/../../x y", "csv", tmp_path)
    assert (first.read_text(), second.read_text()) == ("one", "two")
    assert {first.parent, second.parent} == {tmp_path} and first != second
    assert save("three", "\x1b[", "json", tmp_path).name == "receipt.json"
    with pytest.raises(NotSaved):
        save("four", "x", "csv", tmp_path / "absent")


def test_f2_and_f4_save_and_say_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    async def run() -> str:
        app = Shown(FixedClock(NOW), ReceiptScreen("x", receipt()))
        async with app.run_test(size=(200, 60)) as pilot:
            await pilot.pause()
            await pilot.press("f2")
            await done(app, "save")
            await pilot.press("f4")
            await done(app, "save")
            await pilot.pause()
            return screen_text(app)

    said = asyncio.run(run())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["DE-EVR-2026-0B9AD0F4.csv", "DE-EVR-2026-0B9AD0F4.json"]
    assert f"Saved as {tmp_path / 'DE-EVR-2026-0B9AD0F4.csv'}" in said


def test_a_public_machine_keeps_no_files() -> None:
    async def run() -> str:
        app = Shown(FixedClock(NOW), ReceiptScreen("x", receipt()), mode=Mode.KIOSK)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await pilot.press("f2", "f4")
            await pilot.pause()
            assert not [one for one in app.workers if one.group == "save"]
            return screen_text(app)

    said = asyncio.run(run())
    assert "CSV" not in said and "JSON" not in said and "done" in said


def test_foreign_words_steer_neither_terminal_nor_markup() -> None:
    hostile = "[red]\x1b]0;x\x07\u202e"
    fields = ("number", "site_name", "address", "city", "evse_id", "label", "session_id", "quote_id", "sdr_id")
    text = receipt(**dict.fromkeys(fields, hostile), time_zone="[b]\x1b")

    async def run() -> str:
        app = Shown(FixedClock(NOW), ReceiptScreen("x", text))
        async with app.run_test(size=(120, 60)) as pilot:
            await pilot.pause()
            return screen_text(app)

    said = asyncio.run(run())
    assert "[red]" in said and not {"\x1b", "\x07", "\u202e"} & set(said)
