"""One session from the start ladder to the receipt, live; where there are several, one can go from one to the next."""

from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Static

from app.idle import BROWSING, Patience
from app.live import ReceiptArrived, SessionChanged
from app.reservation_words import is_reservation
from app.screens.session_page import SessionPage, SessionTold
from app.screens.stop_question import stop_question
from app.session_words import (
    LAST_STRETCH,
    REFUSED,
    can_stop,
    curve_of,
    fee_of,
    figures_of,
    head_of,
    is_paused,
    is_starting,
    ladder_verdict,
    rungs_of,
    tabs_of,
)
from app.widgets.idle_clock import IdleFee, IdleFeeClock
from app.widgets.power_curve import PowerCurve
from app.widgets.session_figures import SessionFigures
from app.widgets.session_head import SessionHead
from app.widgets.session_tabs import SessionTabs
from app.widgets.sheet import Sheet
from app.widgets.start_ladder import StartLadder
from core.driver_messages import SessionView
from core.model.session import OPEN, SessionState, StopScope


class ChargeScreen(SessionPage):
    """Shows what the home platform last told of a session; between two words nothing but ages moves.

    A receipt opens by itself when it arrives for the session that is shown. A public machine waits for the driver as
    long as a start is under way, and no longer: the session goes on without the screen.
    """

    place: ClassVar[str] = "charging"
    AUTO_FOCUS = "Sheet"
    patience: Patience | None = None
    DEFAULT_CSS = """
    ChargeScreen Paper { height: auto; }
    ChargeScreen #parts { height: auto; layout: vertical; margin: 1 0 0 0; }
    ChargeScreen #now { height: auto; width: 1fr; }
    ChargeScreen StartLadder { margin: 0 0 1 0; display: none; }
    ChargeScreen.-starting StartLadder { display: block; }
    ChargeScreen IdleFeeClock, ChargeScreen PowerCurve { margin: 1 0 0 0; }
    ChargeScreen.-wide #parts { layout: horizontal; }
    ChargeScreen.-wide StartLadder {
        display: block; width: 42; padding: 0 3 0 0; margin: 0 3 0 0; border-right: solid $border-blurred;
    }
    ChargeScreen.-small IdleFeeClock { margin: 0; }
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self._last_stretch: dict[str, datetime | None] = {}

    def body(self) -> ComposeResult:
        """Tabs, head, and ladder and figures beside or below one another."""
        with Sheet(classes="page"):
            yield SessionTabs(self.text)
            yield Static(Content(self.text.say("common.loading")), id="loading", classes="quiet")
            yield SessionHead(self.text)
            with Container(id="parts"):
                yield StartLadder(self.text)
                with Vertical(id="now"):
                    yield SessionFigures(self.text)
                    yield IdleFeeClock(self.text, IdleFee(), self.kiosk.live.now())
                    yield PowerCurve(self.text)

    def on_mount(self) -> None:
        """Show what is known, and ask where nothing is."""
        self._ask_if_unknown()
        self.show()

    def on_screen_resume(self) -> None:
        """In front again: a receipt may have come meanwhile."""
        self.show()

    def on_resize(self) -> None:
        """A taller screen has room for a taller curve."""
        for curve in self.query(PowerCurve):
            curve.rows = max(4, min(16, self.size.height - 24))
            curve.refresh(layout=True)

    def tick(self) -> None:
        """Ages, times and countdowns move."""
        super().tick()
        self.show()

    def show(self) -> None:
        """Show the session as it is known now."""
        view = self.view
        if not self.is_mounted or not self.query(SessionHead):
            return
        self.query_one("#loading").display = view is None
        self.query_one("#parts").display = view is not None
        if view is None:
            return
        now, text = self.kiosk.live.now(), self.text
        self._remember_last_stretch(view)
        self.set_class(is_starting(view), "-starting")
        self.patience = None if is_starting(view) and view.state not in REFUSED else BROWSING
        tabs = self.query_one(SessionTabs)
        tabs.tabs, tabs.chosen = tabs_of(self._sessions(), text), view.id
        tabs.display = len(tabs.tabs) > 1
        self.query_one(SessionHead).values = head_of(view, now, self.kiosk.live.speed, text)
        ladder = self.query_one(StartLadder)
        ladder.rungs, ladder.verdict = rungs_of(view, now, text), ladder_verdict(view, text)
        self._show_figures(view, now)
        self.refresh_keys()

    def _show_figures(self, view: SessionView, now: datetime) -> None:
        begun = view.started_at is not None
        figures, clock, curve = self.query_one(SessionFigures), self.query_one(IdleFeeClock), self.query_one(PowerCurve)
        figures.display = begun
        figures.figures = figures_of(view, now, self.text) if begun else ()
        clock.display = begun and view.state in OPEN
        clock.fee, clock.now = fee_of(view), now
        curve.values = curve_of(view, self._last_stretch.get(view.id), self.text)
        curve.display = curve.values is not None

    def _remember_last_stretch(self, view: SessionView) -> None:
        """When 80 % was first reported, where it was seen to be reached; a session that came with more has no mark."""
        if view.state_of_charge is None or self._last_stretch.get(view.id) is not None:
            return
        if view.state_of_charge < LAST_STRETCH:
            self._last_stretch[view.id] = None
        elif view.id in self._last_stretch:
            self._last_stretch[view.id] = view.last_word_at

    def _sessions(self) -> tuple[SessionView, ...]:
        """The running sessions and the shown one, in the order in which they were opened."""
        found = {one.id: one for one in self.kiosk.live.running()}
        if self.view is not None:
            found[self.view.id] = self.view
        return tuple(sorted(found.values(), key=lambda one: (one.opened_at, one.id)))

    def _ask_if_unknown(self) -> None:
        id = self.session_id
        if id not in self.kiosk.live.sessions:
            self.ask(lambda client: client.session(id), SessionTold, group="session")

    def watch_session_id(self) -> None:
        """Another session is shown."""
        self.clear_error()
        self._ask_if_unknown()
        self.show()

    @on(SessionTold)
    def _told(self, event: SessionTold) -> None:
        self.kiosk.live.take(event.view)
        self.show()

    @on(SessionChanged)
    def _changed(self, event: SessionChanged) -> None:
        self._remember_last_stretch(event.view)
        view = self.view
        if view is not None and is_reservation(view) and self.is_current:
            self.kiosk.open_session(view.id)  # the start on it came to nothing, and the post is still held
            return
        self.show()

    @on(ReceiptArrived)
    def _receipt_arrived(self, event: ReceiptArrived) -> None:
        if event.receipt.session_id == self.session_id and self.is_current:
            self.kiosk.open_receipt(event.receipt.id)

    @on(SessionTabs.Chosen)
    def _chosen(self, event: SessionTabs.Chosen) -> None:
        self.session_id = event.id

    def can(self, name: str) -> bool:
        """Stopping, going on and changing sessions depend on how the session stands."""
        view = self.view
        match name:
            case "stop":
                return view is not None and can_stop(view)
            case "change_plan":
                return (
                    view is not None and view.state is SessionState.ACTIVE and bool(view.energy_kwh) and can_stop(view)
                )
            case "go_on":
                return view is not None and (view.state in REFUSED or view.receipt_id is not None or is_paused(view))
            case "previous_session" | "next_session":
                return len(self._sessions()) > 1
        return super().can(name)

    def action_stop(self) -> None:
        """Ask whether to stop; stopping is asked of the operator, and its answer comes as an event."""
        view = self.view
        if view is None or not can_stop(view):
            return
        say = self.text.say
        so_far = say("charge.nothing_yet")
        if view.energy_kwh:
            energy = self.text.energy(view.energy_kwh)
            so_far = say("charge.stop_energy", energy=energy)
            if view.cost is not None:
                price = self.text.money(view.cost.amount, view.cost.currency)
                so_far = say("charge.stop_cost", energy=energy, price=price)
        id = view.id
        question = stop_question(view, so_far, self.text)
        self.app.push_screen(question, lambda scope: None if scope is None else self._stop(id, scope))

    def _stop(self, id: str, scope: StopScope) -> None:
        self.ask(lambda client: client.stop(id, scope), SessionTold, group="stop")

    def action_go_on(self) -> None:
        """To the receipt, after a refusal back to the sites; after a pause energy is to flow again."""
        view = self.view
        if view is None or not self.can("go_on"):
            return
        if is_paused(view):
            id = view.id
            self.ask(lambda client: client.resume_transfer(id), SessionTold, group="stop")
            return
        if view.receipt_id is not None:
            self.kiosk.open_receipt(view.receipt_id)
        else:
            self.kiosk.go_back()

    def action_change_plan(self) -> None:
        """Another goal, or another time to leave."""
        if self.can("change_plan"):
            self.kiosk.open_plan(self.session_id)

    def action_leave(self) -> None:
        """Leave; the session goes on."""
        self.kiosk.go_back()

    def action_previous_session(self) -> None:
        """The session before."""
        self._turn(-1)

    def action_next_session(self) -> None:
        """The session after."""
        self._turn(1)

    def _turn(self, by: int) -> None:
        ids = [one.id for one in self._sessions()]
        if self.session_id in ids:
            self.session_id = ids[(ids.index(self.session_id) + by) % len(ids)]
