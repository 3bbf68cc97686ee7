"""A post that is held: the countdown, what it costs, start on it, or give it back."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from app.live import ReceiptArrived, SessionChanged
from app.reservation_words import held_facts, held_lines, held_remarks, is_reservation
from app.screens.question import Question
from app.screens.session_page import SessionPage, SessionTold
from app.text import Text
from app.widgets.facts import Facts
from app.widgets.paper import Paper
from app.widgets.remarks import Remarks
from app.widgets.sheet import Sheet
from core.model.session import SessionState


class Held(Paper):
    """Where, and until when."""

    def __init__(self, screen: "ReservedScreen", text: Text) -> None:
        super().__init__(text)
        self._screen = screen

    def lines(self, width: int) -> list[Content]:
        """The place, and beneath it the countdown."""
        view = self._screen.view
        if view is None:
            return [Content.styled(self.text.say("common.loading"), "$text-muted")]
        title = self.text.say("charging.title", bay=view.label or view.evse_id, site=view.site_name)
        where = [Content.styled(title, "bold"), Content.styled(f"{view.evse_id} · {view.operator}", "$text-muted")]
        return [*where, Content(""), *held_lines(view, self._screen.kiosk.live.now(), self.text, width)]


class ReservedScreen(SessionPage):
    """Follows one reservation; once charging begins, the screen of charging takes its place."""

    place: ClassVar[str] = "reserved"
    AUTO_FOCUS = "Sheet"
    CSS = """
    ReservedScreen Facts, ReservedScreen Remarks { margin: 1 0 0 0; }
    ReservedScreen.-small .page { padding: 0 1; }
    """

    def body(self) -> ComposeResult:
        """Place and countdown, the price, what to know."""
        with Sheet(classes="page"), Vertical(classes="card -next"):
            yield Held(self, self.text)
            yield Facts(self.text)
            yield Remarks(self.text)

    def on_mount(self) -> None:
        """Show what is known, and ask where nothing is."""
        id = self.session_id
        if self.view is None:
            self.ask(lambda client: client.session(id), SessionTold, group="session")
        self.show()

    def on_screen_resume(self) -> None:
        """In front again: it may have become charging meanwhile."""
        self.show()

    def tick(self) -> None:
        """The countdown moves."""
        super().tick()
        self.show()

    def show(self) -> None:
        """Show the reservation as it is known now."""
        if not self.is_mounted or not self.query(Held):
            return
        view = self.view
        if view is not None and not is_reservation(view) and self.is_current:
            self.kiosk.open_session(view.id)
            return
        self.query_one(Held).refresh(layout=True)
        self.query_one(Facts).facts = held_facts(view, self.text) if view else ()
        self.query_one(Remarks).remarks = held_remarks(view, self.text) if view else ()
        self.refresh_keys()

    def can(self, name: str) -> bool:
        """Starting and cancelling are asked for once, unless that ran into a problem."""
        view = self.view
        held = view.reservation if view is not None else None
        stands = view is not None and held is not None and view.state is SessionState.RESERVED
        waits = held is not None and held.cancel_requested_at is not None and held.cancel_problem is None
        match name:
            case "start_reserved":
                begun = held is not None and held.starts_at <= self.kiosk.live.now()
                return stands and begun and not waits and held is not None and held.start_requested_at is None
            case "cancel_reservation":
                return stands and not waits
        return super().can(name)

    def action_start_reserved(self) -> None:
        """I am here: start."""
        id = self.session_id
        if self.can("start_reserved"):
            self.clear_error()
            self.ask(lambda client: client.start_reserved(id), SessionTold, group="start")

    def action_cancel_reservation(self) -> None:
        """Ask whether to give it back, and what that costs."""
        if not self.can("cancel_reservation"):
            return
        say, id = self.text.say, self.session_id
        question = Question(
            say("reserve.cancel_ask"), say("reserve.until_then"), yes=say("reserve.cancel_yes"), no=say("reserve.keep")
        )
        self.app.push_screen(question, lambda wanted: self._cancel(id) if wanted else None)

    def _cancel(self, id: str) -> None:
        self.ask(lambda client: client.cancel_reservation(id), SessionTold, group="cancel")

    @on(SessionTold)
    def _told(self, event: SessionTold) -> None:
        self.kiosk.live.take(event.view)
        self.show()

    @on(SessionChanged)
    def _changed(self) -> None:
        self.show()

    @on(ReceiptArrived)
    def _receipt_arrived(self, event: ReceiptArrived) -> None:
        if event.receipt.session_id == self.session_id and self.is_current:
            self.kiosk.open_receipt(event.receipt.id)
