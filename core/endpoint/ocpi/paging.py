"""The next page of a list: the partner's Link where it is sound, else the URL we used with offset and limit."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

_LINK = re.compile(r"<([^<>]*)>\s*((?:;\s*[^;,\"]+(?:\"[^\"]*\")?\s*)*)")
_NEXT = re.compile(r"""\brel\s*=\s*["']?[^"';]*\bnext\b""", re.IGNORECASE)
_FILTERS = ("date_from", "date_to")


def link_to_next(header: str | None) -> str | None:
    """The target of a Link header's `next`, None where there is none or it cannot be read."""
    for target, parameters in _LINK.findall((header or "")[:8000]):
        if _NEXT.search(parameters):
            return str(target).strip() or None
    return None


def next_page(current: str, headers: Mapping[str, str], count: int) -> str | None:
    """The URL of the page after `current`, which held `count` objects, or None after the last one.

    headers: of the answer, names in any case. A Link is followed as given when it is on the same server, keeps the
    dates asked for and moves the offset, or a cursor of its own, forward. A broken one is replaced by our own URL
    with the next offset. Without a Link the total count tells whether there is more. An empty page is always the
    last, so that paging by offset ends; with cursors the caller bounds the pages.
    """
    if count == 0:
        return None
    named = {name.lower(): value for name, value in headers.items()}
    link = named.get("link", "").strip()
    following = _offset(current) + count
    if link:
        target = link_to_next(link)
        if target is not None and _is_sound(current, urljoin(current, target)):
            return urljoin(current, target)
        return _with_offset(current, following) if _may_have_more(named, following) else None
    total = total_count(headers)
    return _with_offset(current, following) if total is not None and following < total else None


def total_count(headers: Mapping[str, str]) -> int | None:
    """How many objects the whole list has, as an answer's headers tell, names in any case; None where they do not."""
    return _whole({name.lower(): value for name, value in headers.items()}.get("x-total-count"))


def _may_have_more(headers: Mapping[str, str], following: int) -> bool:
    total = total_count(headers)
    return total is None or following < total


def _is_sound(current: str, target: str) -> bool:
    try:
        here, there = urlsplit(current), urlsplit(target)
        same_server = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except ValueError:
        return False
    asked, offered = dict(parse_qsl(here.query)), dict(parse_qsl(there.query))
    keeps_filters = all(offered.get(name) == value for name, value in asked.items() if name in _FILTERS)
    if "offset" in offered:
        moves_on = _offset(target) > _offset(current)
    else:
        moves_on = any(asked.get(name) != value for name, value in offered.items() if name != "limit")
    return same_server and keeps_filters and moves_on


def _offset(url: str) -> int:
    return _whole(dict(parse_qsl(urlsplit(url).query)).get("offset")) or 0


def _with_offset(url: str, offset: int) -> str:
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "offset"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("offset", str(offset))])))


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\d{1,12}", text.strip(), re.ASCII) else None
