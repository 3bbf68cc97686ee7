"""Pages follow one another by the partner's Link, and by offset and limit where the Link is broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.endpoint.ocpi.paging import link_to_next, next_page

URL = "https://cpo.example.com/ocpi/2.2.1/locations"


@pytest.mark.parametrize(
    ("header", "target"),
    [
        (f'<{URL}?offset=50&limit=50>; rel="next"', f"{URL}?offset=50&limit=50"),
        (f"<{URL}?offset=50>;rel=next", f"{URL}?offset=50"),
        (f"<{URL}?a=1,2&offset=50>; REL='next'; title=\"a; b\"", f"{URL}?a=1,2&offset=50"),
        (f'<{URL}?offset=0>; rel="prev", <{URL}?offset=100>; rel="next"', f"{URL}?offset=100"),
        (f'<{URL}?offset=0>; rel="prev"', None),
        (f'{URL}?offset=50; rel="next"', None),
        (f"<{URL}?offset=50>", None),
        ('<>; rel="next"', None),
        ("", None),
        (None, None),
    ],
)
def test_the_next_target_of_a_link(header: str | None, target: str | None) -> None:
    assert link_to_next(header) == target


def test_a_sound_link_is_followed_as_given() -> None:
    link = f'<{URL}?offset=50&limit=50&date_from=2024-01-01T00%3A00%3A00Z&token=x>; rel="next"'
    current = f"{URL}?date_from=2024-01-01T00:00:00Z&limit=50"
    assert next_page(current, {"link": link}, 50) == link[1 : link.index(">")]
    assert next_page(current, {"Link": f"<?{link.split('?')[1]}"}, 50) == link[1 : link.index(">")]


def test_a_link_with_a_cursor_of_its_own_is_followed() -> None:
    assert next_page(URL, {"Link": f'<{URL}?cursor=abc>; rel="next"'}, 50) == f"{URL}?cursor=abc"


@pytest.mark.parametrize(
    "link",
    [
        f'{URL}?offset=100&limit=50; rel="next"',
        f'<{URL}?offset=50&limit=50>; rel="next"',
        f'<{URL}?offset=0&limit=50>; rel="next"',
        f'<{URL}?limit=50>; rel="next"',
        '<http://localhost:8000/locations?offset=100&limit=50>; rel="next"',
        '<http://cpo.example.com/ocpi/2.2.1/locations?offset=100&limit=50>; rel="next"',
        '<https://cpo.example.com:x/?offset=100>; rel="next"',
        "rubbish",
    ],
)
def test_a_broken_link_is_survived_by_offset_and_limit(link: str) -> None:
    current = f"{URL}?offset=50&limit=50"
    assert next_page(current, {"Link": link, "X-Total-Count": "180"}, 50) == f"{URL}?limit=50&offset=100"
    assert next_page(current, {"Link": link}, 50) == f"{URL}?limit=50&offset=100"
    assert next_page(current, {"Link": link, "X-Total-Count": "100"}, 50) is None
    assert next_page(current, {"Link": link}, 0) is None


def test_a_link_that_drops_the_dates_is_broken() -> None:
    current = f"{URL}?date_from=2024-01-01T00:00:00Z&offset=0"
    link = f'<{URL}?offset=50>; rel="next"'
    following = next_page(current, {"Link": link}, 50)
    assert following == f"{URL}?date_from=2024-01-01T00%3A00%3A00Z&offset=50"


def test_rule_7_without_a_link_the_total_count_tells_whether_there_is_more() -> None:
    assert next_page(f"{URL}?limit=100", {"X-Total-Count": "120", "X-Limit": "50"}, 50) == f"{URL}?limit=100&offset=50"
    assert next_page(URL, {"x-total-count": "50"}, 50) is None
    assert next_page(URL, {"x-total-count": "many"}, 50) is None
    assert next_page(URL, {}, 50) is None


@given(st.text(alphabet='<>;,="rel next?offset&http:/1', max_size=60))
def test_any_header_is_survived(header: str) -> None:
    following = next_page(URL, {"Link": header}, 10)
    assert following is None or following.startswith("https://cpo.example.com")
