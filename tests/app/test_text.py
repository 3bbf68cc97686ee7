"""What the app says: complete in four languages, harmless, and in the locale's figures."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from textual.content import Content

from app.actions import ACTIONS, ALLOWED_KEYS, actions_for, bindings_for, places
from app.text import LANGUAGES, Message, Text, escaped, literal, messages, printable
from app.widgets.site_status import SiteStatus
from core.errors import InvalidInput

REFUSALS = [
    "untrusted_host",
    "userinfo_in_url",
    "non_ascii_host",
    "unsupported_scheme",
    "payment_code",
    "control_characters",
    "too_long",
    "ambiguous",
    "malformed_evse_id",
    "unknown_country",
    "unknown_evse",
    "station_id_not_evse",
    "pool_id_not_evse",
    "contract_id_not_evse",
    "rfid_uid",
    "meter_record",
    "meter_public_key",
    "needs_operator_lookup",
    "invalid_totp",
    "missing_parameter",
    "unsupported_version",
    "scanner_layout",
    "own_handover_link",
    "not_an_evse_code",
]


def placeholders(message: Message) -> set[str]:
    forms = [message] if isinstance(message, str) else list(message.values())
    found = [set(re.findall(r"\{(\w+)\}", form)) for form in forms]
    assert all(names == found[0] for names in found), message
    return found[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    english, other = messages("en"), messages(language)
    assert list(other) == list(english)
    assert {key: placeholders(value) for key, value in other.items()} == {
        key: placeholders(value) for key, value in english.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_empty_or_has_markup_or_stray_braces(language: str) -> None:
    for key, message in messages(language).items():
        for form in [message] if isinstance(message, str) else message.values():
            assert form.strip() == form != "", key
            assert "[" not in form and "\\" not in form, key
            assert not re.search(r"[{}]", re.sub(r"\{\w+\}", "", form)), key
            assert printable(form) == form, key


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_of_a_scan_says_why_and_what_to_do(language: str, code: str) -> None:
    text = Text(language)
    why = text.say(f"scan.{code}.why", host="pay.example", id="DE*X")
    assert why and text.say(f"scan.{code}.next", host="pay.example", id="DE*X") != why


def test_every_sentence_that_the_app_asks_for_exists() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in Path("app").rglob("*.py"))
    asked = set(re.findall(r"""\.say\(\s*"([a-z_.]+)"[,)]""", sources))
    assert len(asked) > 20
    assert asked <= set(messages("en"))
    assert {status.word for status in SiteStatus} <= set(messages("en"))


def test_every_action_has_a_label_and_a_help_and_a_key_that_terminals_leave_alone() -> None:
    for action in ACTIONS:
        assert action.label_key in messages("en") and action.help_key in messages("en")
        assert action.key in ALLOWED_KEYS
    for place in places():
        keys = [action.key for action in actions_for(place)]
        assert len(keys) == len(set(keys)), place
        assert "f1" in keys
    first, *_ = bindings_for("quote", Text("de"))
    assert first.description == "ja, jetzt laden"


@pytest.mark.parametrize(
    "value",
    [
        "[red]x",
        "[P2]",
        "x[",
        "[/]",
        "[@click=app.quit]x",
        "a\\[b]c",
        "[link=http://x]y[/link]",
        "[$x]",
        "end\\",
        "\\[b]",
    ],
)
def test_a_value_is_never_markup(value: str) -> None:
    sentence = Text().say("tariff.charges", name=value)
    shown = Content.from_markup("[b]" + sentence + "[/b] after")
    assert shown.plain == f"{literal(value).rstrip(chr(92))} charges after"
    assert [span.end for span in shown.spans] == [len(shown.plain) - len(" after")]
    assert escaped(escaped(value)) == escaped(value)


@pytest.mark.parametrize("value", ["\x1b]0;pwned\x07", "a\x00b", "\u202egnp", "\u200b", "\x9b31m", "\ud800"])
def test_a_value_steers_no_terminal(value: str) -> None:
    shown = Text().say("tariff.charges", name=value)
    assert shown.isprintable()
    assert "�" in shown


def test_a_line_break_becomes_a_space() -> None:
    assert printable("one\r\ntwo\tthree") == "one  two three"


@pytest.mark.parametrize(
    ("locale", "money", "price", "energy", "date"),
    [
        ("en", "€1,234.50", "€0.3277/kWh", "1,234.57 kWh", "22 Nov 2026"),
        ("de", "1.234,50\xa0€", "0,3277\xa0€/kWh", "1.234,57 kWh", "22.11.2026"),
        ("fr", "1\u202f234,50\xa0€", "0,3277\xa0€/kWh", "1\u202f234,57 kWh", "22 nov. 2026"),
        ("nl", "€\xa01.234,50", "€\xa00,3277/kWh", "1.234,57 kWh", "22 nov 2026"),
        ("de_CH", "EUR\xa01’234.50", "EUR\xa00.3277/kWh", "1’234.57 kWh", "22.11.2026"),
    ],
)
def test_figures_follow_the_locale(locale: str, money: str, price: str, energy: str, date: str) -> None:
    """The patterns of the Unicode CLDR for each locale."""
    text = Text(locale)
    assert text.money(Decimal("1234.5"), "EUR") == money
    assert text.unit_price(Decimal("0.3277"), "EUR", "kWh") == price
    assert text.energy(Decimal("1234.567")) == energy
    assert text.date(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin")) == date


def test_money_has_the_currency_s_own_digits_and_is_rounded_half_up() -> None:
    text = Text()
    assert text.money(Decimal("14.425"), "EUR") == "€14.43"
    assert text.money(Decimal("1500.5"), "JPY") == "JP¥1,501"
    assert text.money(Decimal("-0.005"), "EUR") == "-€0.01"
    assert text.money(Decimal("-17.02"), "CHF") == "-CHF\xa017.02", "letters do not touch figures (CLDR)"
    assert text.unit_price(Decimal("0.39"), "EUR") == "€0.39"
    assert text.money(Decimal(1), "[b]") == "\\[b]1.00"


def test_times_are_told_at_the_place() -> None:
    moment = datetime(2026, 7, 1, 22, 5, 9, tzinfo=UTC)
    assert Text().time(moment, ZoneInfo("Europe/Berlin")) == "00:05"
    assert Text().time(moment, ZoneInfo("Europe/London"), seconds=True) == "23:05:09"
    assert Text("de").month(moment, ZoneInfo("Europe/Berlin")) == "Juli 2026"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "0 s"),
        (31, "31 s"),
        (3120, "52 min"),
        (4800, "1 h 20 min"),
        (7200, "2 h"),
        (183600, "2 d 3 h"),
        (867600, "10 d"),
    ],
)
def test_spans_are_told_in_two_units_at_most(seconds: int, told: str) -> None:
    assert Text().duration(timedelta(seconds=seconds)) == told


@pytest.mark.parametrize(
    ("metres", "told"),
    [(0, "0 m"), (184, "180 m"), (995, "1 km"), (1240, "1.2 km"), (9960, "10 km"), (43_700, "44 km")],
)
def test_distances_are_told_as_people_do(metres: int, told: str) -> None:
    assert Text().distance(metres) == told


def test_other_units() -> None:
    text = Text("nl")
    assert text.duration(timedelta(minutes=80)) == "1 u 20 min"
    assert text.ago(timedelta(seconds=31)) == "31 s geleden"
    assert text.power(Decimal("3.68")) == "3,7 kW"
    assert text.power(Decimal("149.6")) == "150 kW"
    assert text.percent(80) == "80%"
    assert Text("de").percent(80) == "80\xa0%"
    assert text.vat_rate(Decimal("7.70")) == "7,7 %"
    assert text.vat_rate(Decimal("20")) == "20 %"


def test_plurals_follow_the_language() -> None:
    assert Text("en").say("find.count", count=1) == "1 site"
    assert Text("en").say("find.count", count=0) == "0 sites"
    assert Text("fr").say("find.count", count=0) == "0 site"
    assert Text("fr").say("find.count", count=1_000_000) == "1\u202f000\u202f000 sites"


@pytest.mark.parametrize("locale", ["it", "", "../en", "de_XY", "de_[b]"])
def test_an_unknown_locale_is_refused(locale: str) -> None:
    with pytest.raises(InvalidInput):
        Text(locale)
