"""Reserve a post: for how long, what it costs, what not coming costs; Enter consents and the operator is asked."""

from datetime import datetime, timedelta
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from app.kiosk_messages import StartFailed
from app.problems import problem_words
from app.reservation_words import offer_facts, offer_lines, question_lines
from app.screens.page import Page
from app.site_words import connector_words
from app.text import Text
from app.widgets.cells import shown
from app.widgets.facts import Facts
from app.widgets.paper import Paper
from app.widgets.remarks import Remark, Remarks
from app.widgets.sheet import Sheet
from core.driver_messages import QuoteView
from core.driver_messages.reservations import ReservationOffer, ReservationWish

_STEP = 5
_LATER = (0, 30, 60, 120, 240, 480, 1440)
"""How many minutes ahead one may ask for it, one after the other; 0 is from now on."""
_QUARTER = timedelta(minutes=15)
_FIRST = 15


class Offered(Message, bubble=False):
    """What the wish comes to."""

    def __init__(self, offer: ReservationOffer) -> None:
        super().__init__()
        self.offer = offer


class Lines(Paper):
    """Lines that the screen gives it at a width."""

    def __init__(self, text: Text, *, id: str) -> None:
        super().__init__(text, id=id)
        self.minutes = _FIRST
        self.offer: ReservationOffer | None = None
        self.pays = ""

    def lines(self, width: int) -> list[Content]:
        """For how long; or, below, the question."""
        if self.id == "question":
            return question_lines(self._question(), self.pays, width)
        return offer_lines(self.minutes, self.offer, self.text, width)

    def _question(self) -> str:
        offer = self.offer
        if offer is None or offer.refusal is not None:
            return ""
        return self.text.say("reserve.ask", label=offer.label or offer.quote_id)


class ReserveScreen(Page):
    """The offer for the minutes that are shown; nothing is asked of the operator before Enter."""

    place: ClassVar[str] = "reserve"
    CSS = """
    ReserveScreen #head { height: auto; margin: 0 0 1 0; }
    ReserveScreen Facts, ReserveScreen Remarks { margin: 1 0 0 0; }
    ReserveScreen #question { height: auto; padding: 0 3; }
    ReserveScreen.-short #head { margin: 0; }
    ReserveScreen.-small .page { padding: 0 1; }
    ReserveScreen.-small #question { padding: 0 1; }
    """

    def __init__(self, quote: QuoteView) -> None:
        super().__init__()
        self._quote = quote
        self.minutes = _FIRST
        self.ahead = 0
        self.starts_at: datetime | None = None
        self.offer: ReservationOffer | None = None

    def body(self) -> ComposeResult:
        """The post, how long, the price, the question."""
        with Sheet(classes="page"):
            yield Static(id="head")
            with Vertical(classes="card -next"):
                yield Lines(self.text, id="wish")
                yield Facts(self.text)
                yield Remarks(self.text)
        yield Lines(self.text, id="question")

    def on_mount(self) -> None:
        """Ask what it would cost."""
        self._ask_price()

    def on_screen_resume(self) -> None:
        """In front again: somebody may have been identified."""
        self._show()

    def heading(self) -> str:
        """The site's name."""
        return self._quote.site_name

    def can(self, name: str) -> bool:
        """There is nothing to consent to before there is an offer."""
        if name == "reserve_when":
            return self.offer is not None and self.offer.later_refusal is None
        if name == "reserve_now":
            return self.offer is not None and self.offer.refusal is None and not self.kiosk.starting
        return super().can(name)

    def action_less(self) -> None:
        """For a shorter time."""
        self._turn(-_STEP)

    def action_more(self) -> None:
        """For a longer time."""
        self._turn(_STEP)

    def action_reserve_now(self) -> None:
        """Consent: the operator is asked to hold the post."""
        if self.can("reserve_now"):
            self.clear_error()
            self.kiosk.reserve(self._wish())
            self._show()

    def action_reserve_when(self) -> None:
        """From now on, or from a later quarter of an hour on."""
        if self.can("reserve_when"):
            self.ahead = _LATER[(_LATER.index(self.ahead) + 1) % len(_LATER)]
            self.starts_at = _quarter(self.kiosk.live.now(), self.ahead) if self.ahead else None
            self._ask_price()

    def _wish(self) -> ReservationWish:
        return ReservationWish(quote_id=self._quote.id, minutes=self.minutes, starts_at=self.starts_at)

    def _turn(self, by: int) -> None:
        longest = self.offer.longest_minutes if self.offer is not None else _FIRST
        self.minutes = min(max(_STEP, self.minutes + by), max(_STEP, longest))
        self._ask_price()

    def _ask_price(self) -> None:
        wish = self._wish()
        self.ask(lambda client: client.reservation_offer(wish), Offered, group="offer")
        self._show()

    @on(Offered)
    def _offered(self, event: Offered) -> None:
        if event.offer.minutes == self.minutes and self.starts_at in (None, event.offer.starts_at):
            self.offer = event.offer
            self._show()

    @on(StartFailed)
    def _start_failed(self, event: StartFailed) -> None:
        self.show_error(event.error)
        self._show()

    def _show(self) -> None:
        if not self.query("#wish"):
            return
        say, quote, offer = self.text.say, self._quote, self.offer
        title = say("reserve.title", label=quote.label or quote.evse_uid)
        self.query_one("#head", Static).update(
            Content.assemble(
                (shown(f"{title} "), "bold"),
                (shown(f"· {quote.evse_id} · {connector_words(quote.connector, self.text)}"), "$text-muted"),
            )
        )
        login = self.kiosk.login
        pays = say("quote.pays_later")
        if login is not None:
            pays = say("quote.pays", name=login.name or login.method, contract=login.contract)
        for lines in self.query(Lines):
            lines.minutes, lines.offer, lines.pays = self.minutes, offer, pays
            lines.refresh(layout=True)
        self.query_one(Facts).facts = offer_facts(offer, self.text) if offer is not None else ()
        self.query_one(Remarks).remarks = self._remarks(offer)
        self.refresh_keys()

    def _remarks(self, offer: ReservationOffer | None) -> tuple[Remark, ...]:
        if offer is None:
            return (Remark("·", self.text.say("quote.asking"), "$text-muted"),)
        told = []
        for problem, shape, ink in ((offer.refusal, "✕", "bold $error"), (offer.later_refusal, "·", "$text-muted")):
            if problem is not None:
                why, what = problem_words(self.text, problem.code, problem.message, problem.next_step)
                told.append(Remark(shape, why, ink, what if problem is offer.refusal else ""))
        return tuple(told)


def _quarter(now: datetime, ahead: int) -> datetime:
    """The quarter of an hour that is so many minutes ahead, rounded up."""
    wanted = now + timedelta(minutes=ahead)
    over = timedelta(minutes=wanted.minute % 15, seconds=wanted.second, microseconds=wanted.microsecond)
    return wanted if not over else wanted - over + _QUARTER
