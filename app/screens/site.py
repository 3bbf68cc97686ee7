"""A site opened: its charging points with connector, power, price and a status that says how old it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from app.notice_words import notice_remark
from app.problems import problem_words
from app.screens.running import RunningPage
from app.site_words import connector_words, evse_status, label_of, refusal_words, site_status, status_words
from app.tariff_words import short_price
from app.text import Text
from app.widgets.cells import apart, fit, shown
from app.widgets.remarks import Remark, remark_lines
from app.zones import zone_of
from core.driver_messages import ConnectorView, EvseView, Problem, SiteView
from core.driver_messages.notices import NoticeView
from core.model.parties import ObjectKey

REFRESH_SECONDS = 15.0
_ROOMY, _MOST_WIDTH = 60, 76
"""From how many cells on a label has eight of them; how far a price stands from its connector at most."""


class SiteOpened(Message, bubble=False):
    """The home platform told the site."""

    def __init__(self, site: SiteView) -> None:
        super().__init__()
        self.site = site


class FavouriteMarked(Message, bubble=False):
    """The site became a favourite, or is none any more."""


@dataclass(frozen=True)
class Point:
    """One connector of one charging point: what is chosen on this screen."""

    evse: EvseView
    connector: ConnectorView


class SiteScreen(RunningPage):
    """Lists connectors; the chosen one says why one cannot start there, where one cannot."""

    place: ClassVar[str] = "site"
    DEFAULT_CSS = """
    SiteScreen #site { height: 1fr; }
    SiteScreen #about { height: auto; margin: 0 0 1 0; }
    SiteScreen #points { height: 1fr; border: none; background: $background; padding: 0; }
    SiteScreen #points:focus { background-tint: $background 0%; }
    SiteScreen #hint { height: auto; margin: 1 0 0 0; }
    SiteScreen.-small #about { margin: 0; }
    SiteScreen.-short #about { max-height: 3; }
    SiteScreen.-small #hint { margin: 0; }
    """

    def __init__(self, key: ObjectKey, evse_uid: str | None = None) -> None:
        super().__init__()
        self._key, self._wanted_evse = key, evse_uid
        self._site: SiteView | None = None
        self._points: tuple[Point, ...] = ()
        self._cursor = 0

    def body(self) -> ComposeResult:
        """About the site, its points, what the chosen one allows."""
        with Vertical(classes="page", id="site"):
            yield Static(Content(self.text.say("common.loading")), id="about")
            yield OptionList(id="points")
            yield Static(id="hint")
        yield self.strip()

    def on_mount(self) -> None:
        """Ask for the site, and again now and then: a status grows old."""
        self.query_one(OptionList).focus()
        self._open()
        self.set_interval(REFRESH_SECONDS, self._open)

    def on_resize(self) -> None:
        """The lines are as wide as the screen."""
        if self._site is not None:
            self.query_one("#about", Static).update(about(self._site, self.text, self._width()))
            self._show_points()

    def heading(self) -> str:
        """The site's name."""
        return super().heading() if self._site is None else self._site.summary.name

    def can(self, name: str) -> bool:
        """A price needs a point at which one may start; favourites are somebody's."""
        if name == "quote":
            point = self._chosen()
            return point is not None and self._may_start(point)
        if name == "favourite":
            return self.kiosk.login is not None and self._site is not None
        return super().can(name)

    def tick(self) -> None:
        """Ages move."""
        super().tick()
        if self._site is not None:
            self._show_points()

    def _open(self) -> None:
        key = self._key
        self.ask(lambda client: client.site(key), SiteOpened, group="site")

    @on(SiteOpened)
    def _opened(self, event: SiteOpened) -> None:
        first = self._site is None
        self._site = event.site
        self._points = points_of(event.site)
        self.query_one("#about", Static).update(about(event.site, self.text, self._width()))
        if first:
            places = [index for index, one in enumerate(self._points) if one.evse.uid == self._wanted_evse]
            self._show_points(places[0] if places else 0)
        self.tick()
        self.refresh_keys()

    def _show_points(self, cursor: int | None = None) -> None:
        listed = self.query_one(OptionList)
        lines = [point_lines(one, self.kiosk.live.now(), self.text, self._width()) for one in self._points]
        if listed.option_count == len(lines):
            for index, line in enumerate(lines):
                if listed.get_option_at_index(index).prompt != line:
                    listed.replace_option_prompt_at_index(index, line)
        else:
            place = listed.highlighted if cursor is None else cursor
            listed.set_options([Option(line) for line in lines])
            listed.highlighted = min(place or 0, len(lines) - 1) if lines else None
        if cursor is not None and lines:
            listed.highlighted = cursor
        self._show_hint()

    def _width(self) -> int:
        return max(24, self.size.width - 8)

    def _chosen(self) -> Point | None:
        return self._points[self._cursor] if self._cursor < len(self._points) else None

    def _may_start(self, point: Point) -> bool:
        return point.evse.startable and point.connector.tariff_known

    def _show_hint(self) -> None:
        self.query_one("#hint", Static).update(self._hint())

    def _hint(self) -> Content:
        point = self._chosen()
        if self._site is not None and self._site.refusal is not None:
            return self._not_agreed(self._site.refusal)
        if point is None:
            return Content("")
        refused = refusal_words(point.evse, self.text)
        if refused is not None:
            why, step = refused
            return Content.assemble((shown(f"✕ {why} "), "bold $warning"), shown(step))
        if not point.connector.tariff_known:
            return Content.styled(self.text.say("tariff.unknown"), "bold $warning")
        return Content.styled(self.text.say("site.can_start"), "$text-muted")

    def _not_agreed(self, refusal: Problem) -> Content:
        if refusal.code == "no_agreement":
            return Content.styled(self.text.say("site.no_agreement"), "bold $warning")
        why, step = problem_words(self.text, refusal.code, refusal.message, refusal.next_step)
        return Content.assemble((shown(f"✕ {why} "), "bold $warning"), shown(step))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._cursor = event.option_index
        self._show_hint()
        self.refresh_keys()

    @on(OptionList.OptionSelected)
    def action_quote(self) -> None:
        """Show what my session would cost at the chosen point."""
        point = self._chosen()
        if point is not None and self._may_start(point):
            self.kiosk.open_quote(self._key, point.evse.uid, point.connector.id)

    @on(FavouriteMarked)
    def _marked(self) -> None:
        self._open()

    def action_favourite(self) -> None:
        """Keep this site at hand, or let it go."""
        if self._site is not None and self.kiosk.login is not None:
            key, wanted = self._key, not self._site.summary.favourite
            self.ask(lambda client: client.favourite(key, wanted), lambda _: FavouriteMarked(), group="favourite")


def about(site: SiteView, text: Text, width: int) -> Content:
    """Name, address, operator; distance, opening hours, phone; and what the operator announces."""
    summary, status = site.summary, site_status(site.summary.availability)
    star = "★ " if summary.favourite else ""
    address = ", ".join(part for part in (summary.address, f"{site.postal_code} {summary.city}".strip()) if part)
    facts = [text.say("site.away", distance=text.distance(int(summary.distance_m)))] if summary.distance_m else []
    facts += [opening_words(site, text)]
    facts += [text.say("site.support", phone=site.phone)] if site.phone else []
    lines = [
        Content.assemble(
            (shown(star + summary.name), "bold"), "   ", (f"{status.shape} {text.say(status.word)}", status.colour)
        ),
        Content(shown(f"{address} · {summary.operator}")),
        Content.styled(shown(" · ".join(facts)), "$text-muted"),
    ]
    lines += [Content.styled(shown(site.directions), "$text-muted")] if site.directions else []
    lines += [line for one in site.notices for line in remark_lines(_notice(one, site, text), width)]
    return Content("\n").join(lines)


def _notice(notice: NoticeView, site: SiteView, text: Text) -> Remark:
    where = ", ".join(label_of(one) for one in site.evses if one.uid in notice.evse_uids)
    return notice_remark(notice, zone_of(site.time_zone), text, where)


def opening_words(site: SiteView, text: Text) -> str:
    """Whether it is open now; what is not known is said to be so."""
    if site.hours == ("24/7",):
        return text.say("site.open_always")
    if site.open_now is None:
        return text.say("site.hours_unknown")
    return text.say("site.open" if site.open_now else "site.closed")


def point_lines(point: Point, now: datetime, text: Text, width: int) -> Content:
    """Two lines: label, connector, power and price; the status with its age and source."""
    evse, status = point.evse, evse_status(point.evse.status)
    label = 8 if width >= _ROOMY else 5
    space = min(width, _MOST_WIDTH) - 2 - label
    words = status_words(evse.status, evse.status_at, evse.source, now, text)
    return Content.assemble(
        (f"{status.shape} ", status.colour),
        (fit(label_of(evse), label - 1) + " ", "bold"),
        apart(connector_words(point.connector, text), short_price(point.connector, text), space),
        "\n" + " " * (2 + label),
        (fit(words, space), status.colour if status is status.FREE else "$text-muted"),
    )


def points_of(site: SiteView) -> tuple[Point, ...]:
    """All connectors of a site."""
    return tuple(Point(evse, one) for evse in site.evses for one in evse.connectors)
