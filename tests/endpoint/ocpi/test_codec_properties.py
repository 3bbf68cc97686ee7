"""For every class of objects: any JSON is read or refused with the typed error; a valid one goes on as it came."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import (
    CiString,
    Closed,
    Degrees,
    Flag,
    Harmless,
    LocalDate,
    LocalTime,
    Number,
    Pattern,
    Timestamp,
    Url,
    Whole,
)
from core.endpoint.ocpi.reading import Unreadable, parse, to_text
from core.endpoint.ocpi.shape import InvalidMember, Member, Shape, members
from core.endpoint.ocpi.v2_2_1.credentials import CREDENTIALS
from core.endpoint.ocpi.v2_2_1.hubclientinfo import CLIENT_INFO
from core.endpoint.ocpi.v2_2_1.sdrs import CDR
from core.endpoint.ocpi.v2_2_1.sessions import SESSION
from core.endpoint.ocpi.v2_2_1.sites import CONNECTOR, EVSE, LOCATION
from core.endpoint.ocpi.v2_2_1.tariffs import TARIFF
from core.endpoint.ocpi.v2_2_1.tokens import TOKEN

CODECS: list[Codec[Any, Any]] = [LOCATION, EVSE, CONNECTOR, TARIFF, TOKEN, SESSION, CDR, CREDENTIALS, CLIENT_INFO]
NAMES = [codec.shape.__name__ for codec in CODECS]
LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1)
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "country_code": st.sampled_from(["NL", "DE", "be"]),
    "party_id": st.sampled_from(["TNM", "8AA", "abc"]),
    "currency": st.sampled_from(["EUR", "SEK", "nok"]),
    "weekday": st.integers(1, 7),
    "step_size": st.integers(0, 3600),
    "credit_reference_id": st.just("12345"),
}
BY_KIND: dict[type, st.SearchStrategy[Any]] = {
    Url: st.just("https://example.com/a"),
    Timestamp: st.sampled_from(["2015-06-29T20:39:09Z", "2016-12-29T17:45:09.2", "2018-01-01T01:08:01+00:00"]),
    Number: st.decimals(-1000, 1000, places=4) | st.integers(-1000, 1000),
    Whole: st.integers(0, 9),
    Flag: st.booleans(),
    Degrees: st.sampled_from(["51.04759", "-3.729944", "0.0000001", "9"]),
    Pattern: st.just("10:30"),
    LocalTime: st.sampled_from(["00:00", "23:59"]),
    LocalDate: st.just("2024-02-29"),
}
UNKNOWN = st.dictionaries(
    LETTERS.map(str.lower).map("nltnm_".__add__),
    st.none() | st.integers() | st.just({"deep": [1, {"er": None}]}),
    max_size=1,
)


def value_of(member: Member) -> st.SearchStrategy[Any]:
    """JSON that a member may hold."""
    kind = member.kind
    if member.name in BY_NAME:
        one = BY_NAME[member.name]
    elif isinstance(kind, type):
        one = object_of(kind)
    elif isinstance(kind, Closed):
        one = st.sampled_from(kind.words)
    elif isinstance(kind, Harmless):
        one = st.sampled_from([*kind.words, "NOT_A_WORD"])
    elif isinstance(kind, CiString):
        one = st.text("aB1*-", min_size=1, max_size=kind.max_length)
    else:
        one = BY_KIND.get(type(kind), st.text("aé \n", max_size=8))
    return st.lists(one, min_size=member.at_least_one, max_size=2) if member.many else one


def object_of(shape: type[Shape]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects of a class, with members that its table does not know."""
    required = {member.name: value_of(member) for member in members(shape) if not (member.optional or member.many)}
    required |= {member.name: value_of(member) for member in members(shape) if member.at_least_one}
    optional = {member.name: st.deferred(lambda m=member: value_of(m)) for member in members(shape)}
    optional = {name: one | st.none() for name, one in optional.items() if name not in required}
    return st.builds(
        lambda own, extra: {**own, **extra}, st.fixed_dictionaries(required, optional=optional), UNKNOWN
    ).map(_consistent)


def _consistent(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "credit_reference_id": "12345"} if value.get("credit") else value


@pytest.mark.parametrize("codec", CODECS, ids=NAMES)
@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_a_valid_object_goes_on_as_it_came(codec: Codec[Any, Any], data: st.DataObject) -> None:
    original = data.draw(object_of(codec.shape))
    held = codec.read(to_text(original))
    assert parse(held.body) == original
    again = codec.rewrite(held, held.value)
    assert parse(again.body) == original
    assert codec.read(again.body).value == held.value


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.decimals(allow_nan=False, places=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("codec", CODECS, ids=NAMES)
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_a_broken_object_is_refused_with_the_typed_error_or_read(codec: Codec[Any, Any], data: st.DataObject) -> None:
    broken = data.draw(object_of(codec.shape))
    place = broken
    while True:
        name = data.draw(st.sampled_from(sorted(place)))
        inner = place[name][0] if isinstance(place[name], list) and place[name] else place[name]
        if not isinstance(inner, dict) or not inner or data.draw(st.booleans()):
            place[name] = data.draw(ANY_JSON)
            break
        place = inner
    for read in (codec.read, codec.read_patch):
        try:
            read(to_text(broken))
        except (InvalidMember, Unreadable) as refusal:
            assert refusal.message
            assert refusal.code


@pytest.mark.parametrize("codec", CODECS, ids=NAMES)
@settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
@given(value=ANY_JSON)
def test_any_json_is_refused_with_the_typed_error(codec: Codec[Any, Any], value: Any) -> None:
    with pytest.raises((InvalidMember, Unreadable)):
        codec.read(to_text(value))
