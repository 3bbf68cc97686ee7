"""Who pays? A card held to the reader, or contract id and PIN."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Label, Static

from app.scan_sink import Scanned
from app.screens.page import Failed, Page
from app.widgets.sheet import Sheet
from core.driver_messages import CardIdentification, Login, PinIdentification
from core.errors import InvalidInput
from core.model.identifiers import ContractId, RfidUid


class Identified(Message, bubble=False):
    """The home platform knows the driver."""

    def __init__(self, login: Login) -> None:
        super().__init__()
        self.login = login


class IdentifyScreen(Page):
    """Goes back by itself once the driver is known, and then on with `then`. card_uid: a card already held there."""

    place: ClassVar[str] = "identify"
    CSS = """
    IdentifyScreen #identify-card { width: 64; max-width: 100%; }
    IdentifyScreen #identify-card Label { margin: 1 0 0 0; }
    IdentifyScreen #state { height: auto; margin: 1 0 0 0; }
    IdentifyScreen #identify-go { margin: 1 0 0 0; }
    IdentifyScreen.-low .page, IdentifyScreen.-short .page { padding: 0 3; }
    IdentifyScreen.-low .title, IdentifyScreen.-short .title { padding: 1 0 0 0; }
    IdentifyScreen.-low #identify-card { padding: 0 2; }
    IdentifyScreen.-low #identify-card Label, IdentifyScreen.-short #identify-card Label { margin: 0; }
    IdentifyScreen.-low #identify-go, IdentifyScreen.-short #identify-go { margin: 0; }
    IdentifyScreen.-low #state, IdentifyScreen.-short #state { margin: 0; }
    """

    def __init__(self, then: Callable[[], None] | None = None, card_uid: str | None = None) -> None:
        super().__init__()
        self._then, self._card_uid = then, card_uid

    def body(self) -> ComposeResult:
        """How to identify, and two fields."""
        say = self.text.say
        with Sheet(classes="page"):
            yield Static(Content(say("identify.title")), classes="title")
            yield Static(Content(f"▸ {say('identify.card_how')}"), classes="next")
            yield Static(Content(say("identify.or")), classes="quiet")
            with Vertical(classes="card", id="identify-card"):
                yield Label(Content(say("identify.contract")))
                yield Input(id="contract", placeholder="NL-ABC-C12345678-X", max_length=40)
                yield Label(Content(say("identify.pin")))
                yield Input(id="pin", password=True, max_length=16)
                yield Button(say("action.identify.label"), id="identify-go", variant="primary")
            kept = "identify.remembered" if self.kiosk.mode == "driver" else "identify.erased"
            yield Static(Content(say(kept)), id="state", classes="quiet")

    def on_mount(self) -> None:
        """A card that was held to the reader already is asked about at once."""
        self.query_one("#contract", Input).focus()
        if self._card_uid is not None:
            self._ask_card(self._card_uid)

    @on(Scanned)
    def _scanned(self, event: Scanned) -> None:
        """A card identifies, a contract's code fills the field; all else is judged as everywhere."""
        payload = event.payload.strip()
        if is_card(payload):
            event.stop()
            self._ask_card(payload)
        elif is_contract(payload):
            event.stop()
            self.query_one("#contract", Input).value = payload
            self.query_one("#pin", Input).focus()

    @on(Input.Submitted, "#contract")
    def _contract_typed(self) -> None:
        self.query_one("#pin", Input).focus()

    @on(Input.Submitted, "#pin")
    @on(Button.Pressed, "#identify-go")
    def action_identify(self) -> None:
        """Ask the home platform whether it knows contract and PIN."""
        contract, pin = self.query_one("#contract", Input).value.strip(), self.query_one("#pin", Input).value.strip()
        if not contract or not pin:
            self.show_error(InvalidInput(self.text.say("identify.need_pin"), code="both_needed"))
            self.query_one("#pin" if contract else "#contract", Input).focus()
            return
        asked = PinIdentification(contract_id=contract, pin=pin)
        self._checking()
        self.ask(lambda client: client.identify(asked), Identified, group="identify")

    def _ask_card(self, uid: str) -> None:
        self._checking()
        card = CardIdentification(card_uid=uid)
        self.ask(lambda client: client.identify(card), Identified, group="identify")

    def _checking(self) -> None:
        self.clear_error()
        self.query_one("#state", Static).update(Content(self.text.say("identify.checking")))

    @on(Failed)
    def _refused(self, event: Failed) -> None:
        self.query_one("#state", Static).update("")
        field = self.query_one("#pin", Input)
        field.value = ""

    @on(Identified)
    def _identified(self, event: Identified) -> None:
        self.kiosk.identified()
        if self.kiosk.screen is self:
            self.kiosk.go_back()
        if self._then is not None:
            self.kiosk.call_later(self._then)


def is_card(payload: str) -> bool:
    """Whether a reader typed the UID of a card."""
    try:
        RfidUid.parse(payload)
    except InvalidInput:
        return False
    return True


def is_contract(payload: str) -> bool:
    """Whether a code holds a contract id, and is none of a card."""
    try:
        ContractId.parse(payload)
    except InvalidInput:
        return False
    return True
