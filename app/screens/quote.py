"""The price of my session at one connector, before anything starts: tariff, estimate, and the post to compare."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from app.actions import Action, actions_for
from app.kiosk_messages import StartFailed
from app.need_words import need_words
from app.quote_words import holds_words, session_lines
from app.screens.need import need_dialog, turned_goal
from app.screens.page import Page
from app.site_words import connector_words, evse_status, status_words
from app.tariff_words import tariff_values
from app.text import Text
from app.widgets.cells import apart, shown
from app.widgets.paper import Paper
from app.widgets.sheet import Sheet
from app.widgets.tariff_card import TariffCard
from core.driver_messages import Need, QuoteRequest, QuoteView, SiteView
from core.errors import Refused
from core.model.parties import ObjectKey

_ASK_AFTER = 0.25
"""Seconds after the last turn of the need until a price is asked for: who turns it by ten steps wants one answer."""
REFRESH_SECONDS = 15.0


class Quoted(Message, bubble=False):
    """The home platform's quote."""

    def __init__(self, quote: QuoteView) -> None:
        super().__init__()
        self.quote = quote


class PostSeen(Message, bubble=False):
    """The home platform told the site of the post."""

    def __init__(self, site: SiteView) -> None:
        super().__init__()
        self.site = site


class MySession(Paper):
    """What my session would cost."""

    quote: reactive[QuoteView | None] = reactive(None, layout=True)

    def __init__(self, text: Text, need: Need) -> None:
        super().__init__(text)
        self.need = need

    def lines(self, width: int) -> list[Content]:
        """The need at once, its price when it is there."""
        if self.quote is None:
            asking = Content.styled(shown(self.text.say("quote.asking")), "$text-muted")
            return [Content.styled(f"◂ {shown(need_words(self.need, self.text))} ▸", "bold"), Content(""), asking]
        return session_lines(self.quote, self.quote.valid_until, self.text, width)


class QuoteScreen(Page):
    """Enter consents, and only to a price that is shown and still holds."""

    place: ClassVar[str] = "quote"
    CSS = """
    QuoteScreen #head { height: auto; margin: 0 0 1 0; }
    QuoteScreen #question { height: auto; padding: 0 3; }
    QuoteScreen.-small #head, QuoteScreen.-low #head, QuoteScreen.-short #head { margin: 0; }
    QuoteScreen.-low .page, QuoteScreen.-short .page { padding: 0 3; }
    QuoteScreen.-low .card { padding: 0 2; }
    QuoteScreen.-small .page { padding: 0 1; }
    QuoteScreen.-small #question { padding: 0 1; }
    """

    def __init__(self, site: ObjectKey, evse_uid: str, connector_id: str, told: QuoteView | None = None) -> None:
        super().__init__()
        self._site, self._evse_uid, self._connector_id, self._told = site, evse_uid, connector_id, told
        self.quote: QuoteView | None = None
        self._turned = 0

    def body(self) -> ComposeResult:
        """The post, its tariff, my session, the question."""
        with Sheet(classes="page"):
            yield Static(id="head")
            with Vertical(classes="card"):
                yield TariffCard(self.text)
            with Vertical(classes="card -next"):
                yield MySession(self.text, self.kiosk.need)
        yield Question(self.text)

    def on_mount(self) -> None:
        """Ask for the price, where it has not been told."""
        if self._told is None:
            self._ask_price()
        else:
            self.post_message(Quoted(self._told))
        self.set_interval(REFRESH_SECONDS, self.look_at_post)

    def on_screen_resume(self) -> None:
        """In front again: somebody may have been identified."""
        self._show()

    def heading(self) -> str:
        """The site's name."""
        return super().heading() if self.quote is None else self.quote.site_name

    @property
    def expired(self) -> bool:
        """Whether the price shown holds no longer."""
        return self.quote is not None and self.kiosk.live.now() >= self.quote.valid_until

    def tick(self) -> None:
        """Ages move, and a price expires."""
        super().tick()
        if self.quote is not None:
            self._show()

    def look_at_post(self) -> None:
        """Ask how the post is now: it may have been taken while the price was read."""
        self.ask(lambda client: client.site(self._site), PostSeen, group="post")

    @on(PostSeen)
    def _post_seen(self, event: PostSeen) -> None:
        evse = next((one for one in event.site.evses if one.uid == self._evse_uid), None)
        if self.quote is not None and evse is not None:
            self.quote = self.quote.model_copy(update={"status": evse.status, "status_at": evse.status_at})
            self._show()

    def _ask_price(self) -> None:
        self.quote = None
        request = QuoteRequest(
            site=self._site, evse_uid=self._evse_uid, connector_id=self._connector_id, need=self.kiosk.need
        )
        self.ask(lambda client: client.quote(request), Quoted, group="quote")
        self._show()

    @on(Quoted)
    def _quoted(self, event: Quoted) -> None:
        if event.quote.need != self.kiosk.need:
            return
        self.quote = event.quote
        connector, home = event.quote.connector, self.kiosk.home_name
        self.query_one(TariffCard).values = tariff_values(connector, event.quote.operator, home, self.text)
        super().tick()
        self._show()
        self.call_after_refresh(self.query_one(MySession).scroll_visible, animate=False)

    def _show(self) -> None:
        if not self.query(MySession):
            return
        session, quote, now = self.query_one(MySession), self.quote, self.kiosk.live.now()
        session.need, session.quote = self.kiosk.need, quote
        session.refresh(layout=True)
        question = self.query_one(Question)
        question.label, question.holds, question.pays = self._question()
        if quote is not None:
            status = evse_status(quote.status)
            self.query_one("#head", Static).update(
                Content.assemble(
                    (shown(f"{self.text.say('site.post', label=quote.label or quote.evse_uid)} "), "bold"),
                    (shown(f"· {quote.evse_id} · {connector_words(quote.connector, self.text)}"), "$text-muted"),
                    "\n",
                    (f"{status.shape} ", status.colour),
                    shown(status_words(quote.status, quote.status_at, "", now, self.text)),
                )
            )
        self.refresh_keys()

    def _question(self) -> tuple[str, str, str]:
        quote, login, say = self.quote, self.kiosk.login, self.text.say
        if quote is None:
            return "", "", ""
        if self.expired:
            return say("quote.expired"), "", say("quote.look_again")
        if self.kiosk.starting:
            return say("quote.starting"), "", ""
        pays = say("quote.pays_later")
        if login is not None:
            pays = say("quote.pays", name=login.name or login.method, contract=login.contract)
        return say("quote.ask_label", label=quote.label or quote.evse_id), holds_words(quote, self.text), pays

    def can(self, name: str) -> bool:
        """There is nothing to consent to before there is a price."""
        if name == "consent":
            return self.quote is not None and not self.kiosk.starting
        if name == "reserve":
            return self.quote is not None and self.quote.reservable and not self.expired
        return super().can(name)

    def action_reserve(self) -> None:
        """What holding this post for me costs."""
        if self.quote is not None and self.can("reserve"):
            self.clear_error()
            self.kiosk.open_reserve(self.quote)

    def actions(self) -> tuple[Action, ...]:
        """Enter consents to a price that holds, and asks for another where it does not."""
        renewing = next(one for one in actions_for("expired_quote") if one.key == "enter")
        return tuple(renewing if one.name == "consent" and self.expired else one for one in super().actions())

    def action_consent(self) -> None:
        """Accept this price and start; an expired one is asked for anew."""
        if self.quote is None or self.kiosk.starting:
            return
        if self.expired:
            self.action_new_price()
            return
        self.clear_error()
        self.kiosk.start(self.quote)
        self._show()

    def action_new_price(self) -> None:
        """Ask for a price in place of one that has expired."""
        self.clear_error()
        self._ask_price()

    @on(StartFailed)
    def _start_failed(self, event: StartFailed) -> None:
        if isinstance(event.error, Refused) and event.error.code in {"quote_expired", "quote_used"}:
            self._ask_price()
        self.show_error(event.error)
        self._show()

    def action_less(self) -> None:
        """Charge less."""
        self._turn(-1)

    def action_more(self) -> None:
        """Charge more."""
        self._turn(1)

    def _turn(self, by: int) -> None:
        self.clear_error()
        self.kiosk.need = turned_goal(self.kiosk.need, by)
        self.quote = None
        self._turned += 1
        turned = self._turned
        self._show()

        def ask_if_last() -> None:
            if turned == self._turned:
                self._ask_price()

        self.set_timer(_ASK_AFTER, ask_if_last)

    def action_my_session(self) -> None:
        """How much I want to charge."""

        def said(need: Need | None) -> None:
            if need is not None and need != self.kiosk.need:
                self.kiosk.need = need
                self._ask_price()

        self.app.push_screen(need_dialog(self.kiosk.need, self.text), said)


class Question(Paper):
    """Does the post say A2? Beside it, how long the price holds; under it, who pays."""

    label: reactive[str] = reactive("", layout=True)
    holds: reactive[str] = reactive("", layout=True)
    pays: reactive[str] = reactive("", layout=True)

    def __init__(self, text: Text) -> None:
        super().__init__(text, id="question")

    def lines(self, width: int) -> list[Content]:
        """Two lines at most where there is room, else three."""
        label, holds = shown(self.label), shown(self.holds)
        if len(label) + len(holds) + 3 <= width:
            row = apart(label, holds, width)
            lines = [Content.assemble((row[: len(label)], "bold $accent"), (row[len(label) :], "$text-muted"))]
        else:
            lines = [Content.styled(label, "bold $accent"), Content.styled(holds, "$text-muted")]
        return lines + [Content.styled(shown(self.pays), "$text-muted")] * bool(self.pays)
