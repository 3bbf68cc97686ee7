"""The driver's receipts, newest first, month by month."""

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static

from app.receipt_files import NotSaved, period_csv, save
from app.screens.page import Page
from app.widgets.cells import shown
from app.widgets.receipt_list import ReceiptList, month_name, month_of
from app.widgets.remarks import Remark, Remarks
from core.driver_messages import History, ReceiptSummary

_EVERYTHING = ""


class HistoryTold(Message, bubble=False):
    """The home platform answered with the receipts."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self.history = history


class HistoryScreen(Page):
    """Shows receipts with totals by month; one opens with Enter, and a period can be saved as a table."""

    place: ClassVar[str] = "history"
    AUTO_FOCUS = "ReceiptList"

    def __init__(self, history: History | None = None) -> None:
        super().__init__()
        self.history = history
        self._period = _EVERYTHING
        self._saved: Remark | None = None

    def body(self) -> ComposeResult:
        """Title with the period, and the list."""
        with Vertical(classes="page"):
            yield Static(self._title(), classes="title")
            yield Remarks(self.text, () if self._saved is None else (self._saved,), id="saved")
            if self.history is None:
                yield Static(Content(self.text.say("common.loading")), classes="quiet")
            elif not self.history.receipts:
                yield Static(Content(self.text.say("history.empty")), classes="quiet")
                yield Static(Content(self.text.say("history.how")))
            else:
                yield ReceiptList(self.text, self.history, self.chosen())

    def on_mount(self) -> None:
        """Ask for the receipts, where they are not known."""
        if self.history is None:
            self.ask(lambda client: client.receipts(), HistoryTold)

    @on(HistoryTold)
    async def _told(self, event: HistoryTold) -> None:
        self.history = event.history
        await self.recompose()
        for receipts in self.query(ReceiptList):
            receipts.focus()

    def _title(self) -> Content:
        words = self.text.say("history.title")
        if self.history is not None and self.history.receipts:
            chosen = self.chosen()
            words += "  ·  " + (month_name(self._period, self.text) if self._period else self.text.say("history.all"))
            words += "  ·  " + self.text.say("history.sessions", count=len(chosen))
        return Content(shown(words))

    def chosen(self) -> tuple[ReceiptSummary, ...]:
        """The receipts of the chosen period."""
        receipts = () if self.history is None else self.history.receipts
        return tuple(one for one in receipts if self._period in (_EVERYTHING, month_of(one)))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        if event.option.id is not None:
            self.kiosk.open_receipt(event.option.id)

    def can(self, name: str) -> bool:
        """An empty history has nothing to open or to save; a public machine keeps no files."""
        some = self.history is not None and bool(self.history.receipts)
        if name == "export_csv":
            return some and self.kiosk.mode == "driver"
        return some if name in {"open_receipt", "period"} else super().can(name)

    def action_open_receipt(self) -> None:
        """Open the receipt under the cursor."""
        for receipts in self.query(ReceiptList):
            receipts.action_select()

    def action_period(self) -> None:
        """All months, then each month, newest first."""
        if not self.can("period"):
            return
        months = [_EVERYTHING, *dict.fromkeys(month_of(one) for one in self.history.receipts)] if self.history else []
        self._period = months[(months.index(self._period) + 1) % len(months)]
        self.query_one(".title", Static).update(self._title())
        self.query_one(ReceiptList).show(self.chosen())

    def action_export_csv(self) -> None:
        """Save the period as a table."""
        if self.can("export_csv"):
            name = f"evroam-{self._period or 'receipts'}"
            self.run_worker(self._save(name, period_csv(self.chosen())), group="save")

    async def _save(self, name: str, content: str) -> None:
        try:
            path = await asyncio.to_thread(save, content, name, "csv")
        except NotSaved as error:
            self._saved = Remark("✕", self.text.say("receipt.not_saved", reason=error.message), "bold $error")
        else:
            self._saved = Remark("✓", self.text.say("receipt.saved", file=str(path)), "$success")
        for remarks in self.query("#saved").results(Remarks):
            remarks.remarks = (self._saved,)
