"""The filters of the search: all hold at once, and all that are set stand on one line."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from app.screens.adjust import AdjustDialog, Knob
from app.site_words import CONNECTORS
from app.text import Text
from core.driver_messages import Money, SiteQuery

_CONNECTORS: tuple[str | None, ...] = (None, *CONNECTORS)
_POWERS: tuple[Decimal | None, ...] = (None, *(Decimal(kw) for kw in (11, 22, 50, 100, 150, 300)))
_CAPS: tuple[Decimal | None, ...] = (None, *(Decimal(amount) for amount in (5, 10, 15, 20, 30, 50)))
_SWITCHES = ("free", "open_now", "roaming", "favourites")
_LABELS = {"free": "free_now", "open_now": "open_now", "roaming": "roaming", "favourites": "favourites"}


def filter_words(query: SiteQuery, text: Text) -> tuple[str, ...]:
    """The filters that are set, each in a few words."""
    words = []
    if query.connector is not None:
        words.append(query.connector)
    if query.min_kw is not None:
        words.append(f"≥ {text.power(query.min_kw)}")
    if query.price_cap is not None:
        words.append(f"≤ {text.money(query.price_cap.amount, query.price_cap.currency)}")
    words += [text.say(f"find.filter.{_LABELS[name]}") for name in _SWITCHES if getattr(query, name)]
    return tuple(words)


def filters_dialog(query: SiteQuery, text: Text, *, currency: str, favourites: bool) -> AdjustDialog[SiteQuery]:
    """The dialogue; prices are capped in a currency, favourites are there only where somebody is identified."""
    any_ = text.say("find.filter.any")
    knobs: list[Knob[SiteQuery]] = [
        Knob(text.say("find.filter.connector"), lambda q: q.connector or any_, _one_of("connector", _CONNECTORS)),
        Knob(
            text.say("find.filter.power"),
            lambda q: any_ if q.min_kw is None else f"≥ {text.power(q.min_kw)}",
            _one_of("min_kw", _POWERS),
        ),
    ]
    if currency:
        knobs.append(_price_knob(currency, text))
    knobs += [_switch(name, text) for name in _SWITCHES if favourites or name != "favourites"]
    return AdjustDialog(text, text.say("find.filters"), knobs, query)


def _price_knob(currency: str, text: Text) -> Knob[SiteQuery]:
    def turn(query: SiteQuery, by: int) -> SiteQuery:
        present = None if query.price_cap is None else query.price_cap.amount
        amount = _CAPS[((_CAPS.index(present) if present in _CAPS else 0) + by) % len(_CAPS)]
        cap = None if amount is None else Money(amount=amount, currency=currency)
        return query.model_copy(update={"price_cap": cap})

    def words(query: SiteQuery) -> str:
        cap = query.price_cap
        return text.say("find.filter.any") if cap is None else f"≤ {text.money(cap.amount, cap.currency)}"

    return Knob(text.say("find.filter.price"), words, turn)


def _switch(name: str, text: Text) -> Knob[SiteQuery]:
    def turn(query: SiteQuery, _by: int) -> SiteQuery:
        return query.model_copy(update={name: not getattr(query, name)})

    return Knob(
        text.say(f"find.filter.{_LABELS[name]}"),
        lambda query: text.say("common.yes") if getattr(query, name) else text.say("find.filter.any"),
        turn,
    )


def _one_of(
    member: str, values: Sequence[str | None] | Sequence[Decimal | None]
) -> Callable[[SiteQuery, int], SiteQuery]:
    def turn(query: SiteQuery, by: int) -> SiteQuery:
        place = (values.index(getattr(query, member)) + by) % len(values)
        return query.model_copy(update={member: values[place]})

    return turn
