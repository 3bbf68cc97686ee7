"""What the app says, in English, German, French and Dutch: sentences, numbers, money, dates, units.

Sentences lie in `assets/languages/LANGUAGE.json`, one key each; what belongs to a place is put in with `{name}`. A key
whose sentence depends on a number holds one sentence per CLDR plural category and is chosen by the value `count`.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from importlib.resources import files

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

from core.errors import InvalidInput

LANGUAGES = ("en", "de", "fr", "nl")
_TERRITORIES = {"en": "GB", "de": "DE", "fr": "FR", "nl": "NL"}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_LONG_DAYS = 10
"""From so many days on hours say nothing."""
_TOUCHING = re.compile(r"(?<=[^\W\d_])(?=\d)")
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

Message = str | dict[str, str]


def printable(value: str) -> str:
    """The value with nothing in it that could steer a terminal or turn the direction of writing.

    Line breaks and tabs become a space; every other control, format, surrogate, private or unassigned character becomes
    �.
    """
    if value.isascii() and value.isprintable():
        return value
    return "".join(
        " " if character in "\n\r\t" else "�" if unicodedata.category(character) in _UNPRINTABLE else character
        for character in value
    )


def escaped(value: str) -> str:
    """The value printable, and inert where Textual reads markup; escaping twice changes nothing.

    Textual's own `escape` leaves `[P2]` and a lone `[` alone, of which the first vanishes and the second raises.
    """
    return printable(literal(value)).replace("[", "\\[").rstrip("\\")


def literal(sentence: str) -> str:
    """The sentence as it is read by people, for places that do not read markup: undoes `escaped`."""
    return sentence.replace("\\[", "[")


@lru_cache(maxsize=len(LANGUAGES))
def messages(language: str) -> dict[str, Message]:
    """All sentences of a language, by key."""
    loaded: dict[str, Message] = json.loads(
        files("assets").joinpath("languages", f"{language}.json").read_text(encoding="utf-8")
    )
    return loaded


@lru_cache(maxsize=32)
def _babel_locale(locale: str) -> Locale:
    language, _, territory = locale.partition("_")
    return Locale.parse(f"{language}_{territory or _TERRITORIES[language]}")


@dataclass(frozen=True)
class Text:
    """The app's voice in one locale: a language (`de`) or a language and a territory (`de_CH`).

    Raises InvalidInput for a language without sentences or a territory that does not exist.
    """

    locale: str = "en"

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise InvalidInput(f"no such language: {escaped(self.locale)}", next_step="one of " + ", ".join(LANGUAGES))
        try:
            _babel_locale(self.locale)
        except (ValueError, UnknownLocaleError) as error:
            raise InvalidInput(f"no such locale: {escaped(self.locale)}") from error

    @property
    def language(self) -> str:
        """The language's two letters (ISO 639-1)."""
        return self.locale.partition("_")[0]

    def say(self, key: str, **values: str | int | Decimal) -> str:
        """The sentence of a key with its values put in; numbers are written in the locale, words are `escaped`.

        Raises KeyError for a key or a value that is missing: both are mistakes of the program, and a test looks for
        them.
        """
        message = messages(self.language)[key]
        if isinstance(message, dict):
            count = Decimal(values["count"])
            message = message.get(_babel_locale(self.locale).plural_form(count), message["other"])
        return _PLACEHOLDER.sub(lambda found: self._written(values[found[1]]), message)

    def _written(self, value: str | int | Decimal) -> str:
        return escaped(value) if isinstance(value, str) else self.number(value)

    def number(self, value: int | Decimal, digits: int | None = None) -> str:
        """A number in the locale's figures; `digits` behind the decimal mark, rounded half up, or as many as it has."""
        if digits is not None:
            value = Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        fraction = digits if digits is not None else max(0, -_exponent(Decimal(value)))
        return format_decimal(
            value, format="#,##0" + ("." + "0" * fraction if fraction else ""), locale=_babel_locale(self.locale)
        )

    def money(self, amount: Decimal, currency: str, digits: tuple[int, int] | None = None) -> str:
        """An amount in a currency (ISO 4217), rounded half up, with its own or between `digits` many digits."""
        locale = _babel_locale(self.locale)
        least, most = digits or (get_currency_precision(currency),) * 2
        fraction = "." + "0" * least + "#" * (most - least) if most else ""
        written = format_currency(
            amount.quantize(Decimal(1).scaleb(-most), ROUND_HALF_UP),
            escaped(currency),
            format=locale.currency_formats["standard"].pattern.replace(".00", fraction),
            locale=locale,
            currency_digits=False,
        )
        return _TOUCHING.sub("\u00a0", written)  # CLDR's currencySpacing, which Babel leaves out: CHF 5, but €5

    def unit_price(self, amount: Decimal, currency: str, unit: str = "") -> str:
        """A price of one unit, such as € 0.3277/kWh: two to four digits, for tariffs are finer than coins."""
        return self.money(amount, currency, (2, 4)) + (f"/{unit}" if unit else "")

    def percent(self, hundredths: int | Decimal) -> str:
        """A percentage, given as 80 for 80 %."""
        return format_percent(Decimal(hundredths) / 100, format=None, locale=_babel_locale(self.locale))

    def vat_rate(self, hundredths: Decimal) -> str:
        """A rate of value-added tax, given as 7.7 for 7.7 %, with the digits it has."""
        rate = hundredths.normalize()
        return f"{self.number(rate if _exponent(rate) <= 0 else rate.quantize(Decimal(1)))} %"

    def energy(self, kwh: Decimal, digits: int = 2) -> str:
        """Energy in kWh."""
        return f"{self.number(kwh, digits)} kWh"

    def power(self, kilowatts: Decimal) -> str:
        """Power in kW: whole from 100 on and where it is whole, else with one digit."""
        whole = kilowatts >= 100 or kilowatts == kilowatts.to_integral_value()
        return f"{self.number(kilowatts, 0 if whole else 1)} kW"

    def distance(self, metres: int) -> str:
        """A distance as people say it: to 10 m below a kilometre, to 0.1 km below ten, then to a kilometre."""
        tens = Decimal(metres).quantize(Decimal("1E1"), ROUND_HALF_UP)
        if tens < 1000:
            return f"{self.number(int(tens))} m"
        kilometres = (Decimal(metres) / 1000).quantize(Decimal("0.1") if metres < 9950 else Decimal(1), ROUND_HALF_UP)
        return f"{self.number(kilometres, 0 if kilometres == int(kilometres) else 1)} km"

    def duration(self, span: timedelta) -> str:
        """A span of time in its one or two largest units: 31 s, 52 min, 1 h 20 min, 2 d 3 h; negative spans are 0 s."""
        seconds = max(0, int(span.total_seconds()))
        if seconds < 60:
            return f"{seconds} {self.say('unit.second')}"
        if seconds < 3600:
            return f"{seconds // 60} {self.say('unit.minute')}"
        large, small, size, part = ("hour", "minute", 3600, 60) if seconds < 86400 else ("day", "hour", 86400, 3600)
        first, rest = divmod(seconds, size)
        second = 0 if large == "day" and first >= _LONG_DAYS else rest // part
        return f"{first} {self.say('unit.' + large)}" + (f" {second} {self.say('unit.' + small)}" if second else "")

    def ago(self, span: timedelta) -> str:
        """How old a report is, such as "31 s ago"."""
        return self.say("unit.ago", span=self.duration(span))

    def time(self, moment: datetime, zone: tzinfo, seconds: bool = False) -> str:
        """The time of day at the place of the zone, on 24 hours."""
        return format_time(moment, "HH:mm:ss" if seconds else "HH:mm", tzinfo=zone, locale=_babel_locale(self.locale))

    def date(self, moment: datetime, zone: tzinfo) -> str:
        """The date at the place of the zone, such as 22 Nov 2026."""
        return format_date(moment.astimezone(zone).date(), "medium", locale=_babel_locale(self.locale))

    def month(self, moment: datetime, zone: tzinfo) -> str:
        """Month and year at the place of the zone, such as November 2026."""
        return format_date(moment.astimezone(zone).date(), "LLLL y", locale=_babel_locale(self.locale))


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
