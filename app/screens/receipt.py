"""One receipt: what is paid and for what, beside the quote, with the proof that the two and the tariff fit."""

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from app.idle import RECEIPT_OR_HANDOVER, Patience
from app.live import ReceiptArrived
from app.receipt_files import NotSaved, receipt_csv, receipt_json, save
from app.receipt_words import facts_of, head_of, proof_of, values_of
from app.screens.choice import Choice
from app.screens.page import Page
from app.widgets.cells import shown
from app.widgets.facts import Facts
from app.widgets.receipt_lines import ReceiptLines
from app.widgets.remarks import Remark, Remarks
from app.widgets.sheet import Sheet
from core.model.receipt import Receipt


class ReceiptTold(Message, bubble=False):
    """The home platform answered with a receipt."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__()
        self.receipt = receipt


class ReceiptScreen(Page):
    """Shows a receipt; files are written on a personal terminal only, for a public one is not to keep them."""

    place: ClassVar[str] = "receipt"
    AUTO_FOCUS = "Sheet"
    patience: Patience | None = RECEIPT_OR_HANDOVER
    DEFAULT_CSS = """
    ReceiptScreen ReceiptLines, ReceiptScreen Facts { margin: 1 0 0 0; }
    ReceiptScreen #when { color: $text-muted; }
    ReceiptScreen #proof { margin: 1 0 0 0; }
    ReceiptScreen #number { text-style: bold; }
    """

    def __init__(self, id: str, receipt: Receipt | None = None) -> None:
        super().__init__()
        self._receipt_id = id
        self.receipt = receipt
        self._saved: Remark | None = None

    def body(self) -> ComposeResult:
        """Number, place and time, proof, lines, particulars."""
        receipt, text = self.receipt, self.text
        with Sheet(classes="page"):
            if receipt is None:
                yield Static(Content(text.say("common.loading")), classes="quiet")
                return
            place, when = head_of(receipt, text)
            yield Static(Content(shown(f"{text.say('receipt.title', number=receipt.number)}  ·  {place}")), id="number")
            yield Static(Content(shown(when)), id="when")
            yield Remarks(text, () if self._saved is None else (self._saved,), id="saved")
            yield Remarks(text, proof_of(receipt, text), id="proof")
            yield ReceiptLines(text, values_of(receipt, text))
            yield Facts(text, facts_of(receipt, text))

    def on_mount(self) -> None:
        """Ask for the receipt, where it is not known."""
        if self.receipt is None:
            self.ask(lambda client: client.receipt(self._receipt_id), ReceiptTold)

    @on(ReceiptTold)
    async def _told(self, event: ReceiptTold) -> None:
        self.receipt = event.receipt
        await self.recompose()
        self.query_one(Sheet).focus()

    def can(self, name: str) -> bool:
        """Files need a receipt and a terminal of one's own."""
        if name in {"export_json", "export_csv"}:
            return self.receipt is not None and self.kiosk.mode == "driver"
        if name == "dispute":
            return self.receipt is not None and self.receipt.disputed_at is None and self.receipt.credited_at is None
        return super().can(name)

    def action_dispute(self) -> None:
        """Say which line is wrong; the home platform takes it up with the operator."""
        receipt, text = self.receipt, self.text
        if receipt is None or not self.can("dispute"):
            return
        named = [one.description for one in values_of(receipt, text).lines]
        lines = [*named, text.say("receipt.whole_bill")]
        self.app.push_screen(
            Choice(text.say("receipt.which_line"), lines),
            lambda index: None if index is None else self._dispute(receipt.id, lines[index]),
        )

    def _dispute(self, id: str, line: str) -> None:
        self.ask(lambda client: client.dispute(id, line), ReceiptTold, group="dispute")

    @on(ReceiptArrived)
    async def _changed(self, event: ReceiptArrived) -> None:
        if event.receipt.id == self._receipt_id and event.receipt != self.receipt:
            self.receipt = event.receipt
            await self.recompose()

    def action_export_json(self) -> None:
        """Save everything the receipt says, for programs."""
        self._export("export_json", receipt_json, "json")

    def action_export_csv(self) -> None:
        """Save the lines for a spreadsheet."""
        self._export("export_csv", receipt_csv, "csv")

    def action_done(self) -> None:
        """The driver is done: a public machine erases everything personal."""
        if self.kiosk.mode == "driver" or type(self.app.screen_stack[-2]).__name__ == "HistoryScreen":
            self.kiosk.go_back()
        else:
            self.kiosk.end_visit()

    def _export(self, action: str, write: Callable[[Receipt], str], ending: str) -> None:
        if self.receipt is not None and self.can(action):
            self.run_worker(self._save(self.receipt.number, write(self.receipt), ending), group="save")

    async def _save(self, name: str, content: str, ending: str) -> None:
        try:
            path = await asyncio.to_thread(save, content, name, ending)
        except NotSaved as error:
            self._tell(Remark("✕", self.text.say("receipt.not_saved", reason=error.message), "bold $error"))
        else:
            self._tell(Remark("✓", self.text.say("receipt.saved", file=str(path)), "$success"))

    def _tell(self, remark: Remark) -> None:
        self._saved = remark
        for remarks in self.query("#saved").results(Remarks):
            remarks.remarks = (remark,)
        for sheet in self.query(Sheet):
            sheet.scroll_home(animate=False)
