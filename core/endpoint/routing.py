"""Which route a path means. Segments are split before they are decoded, so that an id may hold a slash."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from core.endpoint.exchange import Route

_SECRET_PARAMETERS = {"token_uid", "command_id"}


@dataclass(frozen=True)
class Found:
    """The routes at a path by method, what its variable segments hold, and the path as it may be logged."""

    methods: Mapping[str, Route]
    values: Mapping[str, str]
    shown: str


Find = Callable[[str], Found | None]


class Routing:
    """Routes below their module's base path, such as `/ocpi/2.2.1/receiver/locations`.

    beyond: what is at a path where none of them is.
    """

    def __init__(self, routes: Iterable[tuple[str, Route]], beyond: Find | None = None) -> None:
        self._beyond = beyond
        self._by_base: dict[tuple[str, ...], dict[tuple[str, ...], dict[str, Route]]] = {}
        for base, route in routes:
            templates = self._by_base.setdefault(_segments(base), {})
            templates.setdefault(_segments(base + route.path), {})[route.method] = route

    def find(self, raw_path: str, *, ours: bool = True) -> Found | None:
        """What is at this path, as it stands in the request line; a slash at its end means nothing.

        Control characters are in no id: some stores cannot hold them. ours: whether our own routes are meant, too.
        """
        given = tuple(map(unquote, _segments(raw_path)))
        if not all(map(str.isprintable, given)):
            return None
        for template, methods in self._below(given) if ours else ():
            values = _match(template, given)
            if values is not None:
                shown = (
                    "***" if part.startswith("{") and part[1:-1] in _SECRET_PARAMETERS else segment
                    for part, segment in zip(template, given, strict=True)
                )
                return Found(methods, values, "/" + "/".join(shown))
        return self._beyond(raw_path) if self._beyond else None

    def _below(self, given: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Route]]]:
        """The templates of the module that a path begins with."""
        for length in range(1, len(given) + 1):
            yield from self._by_base.get(given[:length], {}).items()


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.strip("/").split("/"))


def _match(template: tuple[str, ...], given: tuple[str, ...]) -> dict[str, str] | None:
    if len(template) != len(given):
        return None
    values = {}
    for part, segment in zip(template, given, strict=True):
        if part.startswith("{"):
            if not segment:
                return None
            values[part[1:-1]] = segment
        elif part != segment:
            return None
    return values
