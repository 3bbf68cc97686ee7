"""The verdict on a code: trusted or refused and why, where it leads, what the post must read, what to do next.

A code is parsed, never opened or followed.
"""

import asyncio
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from app.image_code import codes_in, named_file
from app.screens.page import Failed, Page
from app.site_words import evse_status, label_of, refusal_words, status_words
from app.text import printable
from app.verdict_words import SHOWN, found_evse, judge, near_misses, verdict_lines
from app.widgets.cells import shown
from app.widgets.sheet import Sheet
from core.driver_messages import EvseFound, EvseView
from core.errors import InvalidInput, NotFound
from core.model.scan import RefusalCode, Verdict, refuse


class Found(Message, bubble=False):
    """The home platform knows the EVSE."""

    def __init__(self, found: EvseFound) -> None:
        super().__init__()
        self.found = found


class CodeRead(Message, bubble=False):
    """An image file was read. problem: a sentence where there is no one code in it."""

    def __init__(self, payload: str, problem: str = "") -> None:
        super().__init__()
        self.payload, self.problem = payload, problem


class ScanScreen(Page):
    """Judges a payload as soon as it is there; without one it offers a field to type one."""

    place: ClassVar[str] = "scan"
    DEFAULT_CSS = """
    ScanScreen #verdict { height: auto; }
    ScanScreen #verdict-card.-trusted { border-left: outer $success; }
    ScanScreen #verdict-card.-refused { border-left: outer $error; }
    ScanScreen #near { height: auto; max-height: 8; margin: 0 0 1 0; border: none; background: $surface; }
    ScanScreen #typed-label { height: auto; }
    """

    def __init__(self, payload: str = "", too_long: bool = False) -> None:
        super().__init__()
        self._payload, self._too_long = payload, too_long
        self._verdict: Verdict | None = None
        self._found: EvseFound | None = None
        self._near: tuple[str, ...] = ()
        self._wants_file = False

    def body(self) -> ComposeResult:
        """The verdict, choices where there are any, a field."""
        with Sheet(classes="page"):
            with Vertical(classes="card", id="verdict-card"):
                yield Static(id="verdict")
            yield OptionList(id="near")
            yield Static(id="typed-label", classes="quiet")
            yield Input(id="typed", max_length=1024)

    def on_mount(self) -> None:
        """Judge what was scanned."""
        self.query_one("#near").display = False
        if self._payload or self._too_long:
            self._judge(self._payload, self._too_long)
        else:
            self.query_one("#verdict", Static).update(Content(self.text.say("scan.how")))
            self.action_typed_id()

    def can(self, name: str) -> bool:
        """A code is used only where it leads to a point; a public machine opens no files."""
        if name == "use_code":
            return self._found is not None
        return super().can(name) and (name != "image_file" or self.kiosk.mode == "driver")

    # Judging

    def _judge(self, payload: str, too_long: bool = False) -> None:
        self._payload, self._found, self._near = payload, None, ()
        self._verdict = judge(payload, too_long, self.kiosk.trust, self.kiosk.clock.now())
        self.clear_error()
        self.query_one("#typed").display = self.query_one("#typed-label").display = False
        if self._verdict.evse_id is not None:
            evse_id = str(self._verdict.evse_id)
            self.ask(lambda client: client.evse(evse_id), Found, group="evse")
        self._near = tuple(str(one) for one in self._verdict.choices)
        self._show()

    @on(Found)
    def _found_evse(self, event: Found) -> None:
        self._found = event.found
        self._show()

    @on(Failed)
    def _not_found(self, event: Failed) -> None:
        """An id that is well written and yet unknown is refused, with what it may have meant."""
        if isinstance(event.error, NotFound) and self._verdict is not None:
            event.prevent_default()
            known = refuse(RefusalCode.UNKNOWN_EVSE)
            self._verdict = replace(known, host=self._verdict.host)
            self._near = near_misses(event.error.next_step)
            self._show()

    def _show(self) -> None:
        verdict = self._verdict
        if verdict is None:
            return
        card = self.query_one("#verdict-card")
        card.set_class(verdict.trusted, "-trusted")
        card.set_class(not verdict.trusted, "-refused")
        lines = verdict_lines(verdict, self._payload, self.text)
        evse = None if self._found is None else found_evse(self._found)
        if self._found is not None and evse is not None:
            lines += self._place_lines(self._found, evse)
        elif verdict.trusted:
            lines.append(Content.styled(self.text.say("scan.checking"), "$text-muted"))
        lines += [Content(""), Content.styled(self.text.say("scan.never_opened"), "$text-muted")]
        self.query_one("#verdict", Static).update(Content("\n").join(lines))
        self._show_near()
        self.refresh_keys()

    def _place_lines(self, found: EvseFound, evse: EvseView) -> list[Content]:
        summary, text, label = found.site.summary, self.text, label_of(evse)
        status = evse_status(evse.status)
        words = status_words(evse.status, evse.status_at, evse.source, self.kiosk.live.now(), text)
        lines = [
            Content(""),
            Content(shown(text.say("scan.where", label=label, site=summary.name, operator=summary.operator))),
            Content.assemble((f"{status.shape} ", status.colour), (shown(words), "$text-muted")),
            Content(""),
        ]
        refused = refusal_words(evse, text)
        if refused is None:
            return [*lines, Content.styled(shown(text.say("scan.ask_label", label=label)), "bold $accent")]
        return [*lines, Content.styled(shown(refused[0]), "bold $warning"), Content(shown(refused[1]))]

    def _show_near(self) -> None:
        listed = self.query_one("#near", OptionList)
        listed.display = bool(self._near)
        say = self.text.say
        listed.set_options([Option(Content(shown(say("scan.near_miss", id=one)))) for one in self._near])
        if self._near:
            listed.highlighted = 0
            listed.focus()

    @on(OptionList.OptionSelected, "#near")
    def _near_chosen(self, event: OptionList.OptionSelected) -> None:
        self._judge(self._near[event.option_index])

    # Doing

    def action_use_code(self) -> None:
        """Go on with the point that the code names: to its price, or to its site where there is a choice."""
        found = self._found
        evse = None if found is None else found_evse(found)
        if found is None or evse is None:
            return
        self.kiosk.go_back()
        if evse.startable and len(evse.connectors) == 1:
            self.kiosk.open_quote(found.site.summary.key, evse.uid, evse.connectors[0].id)
        else:
            self.kiosk.open_site(found.site.summary.key, evse.uid)

    def action_typed_id(self) -> None:
        """Type the EVSE id that is printed on the post, or paste what a code says."""
        self._offer_field("scan.type", file=False)

    def action_image_file(self) -> None:
        """Read a code from an image file."""
        if self.kiosk.mode == "driver":
            self._offer_field("scan.file", file=True)

    def _offer_field(self, label: str, *, file: bool) -> None:
        self._wants_file = file
        words, field = self.query_one("#typed-label", Static), self.query_one("#typed", Input)
        words.update(Content(self.text.say(label)))
        words.display = field.display = True
        field.value = ""
        field.focus()

    @on(Input.Submitted, "#typed")
    def _typed(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            return
        if self._wants_file:
            self.clear_error()
            self.run_worker(self._read_file(event.value), group="file", exclusive=True)
        else:
            self._judge(event.value)

    async def _read_file(self, typed: str) -> None:
        file = named_file(typed)
        name = printable(file.name)[:SHOWN]
        try:
            codes = await asyncio.to_thread(codes_in, file)
        except InvalidInput:
            self.post_message(CodeRead("", self.text.say("scan.file_unreadable", file=name)))
            return
        if len(codes) == 1:
            self.post_message(CodeRead(codes[0]))
        else:
            key = "scan.file_several" if codes else "scan.file_none"
            self.post_message(CodeRead("", self.text.say(key, file=name)))

    @on(CodeRead)
    def _code_read(self, event: CodeRead) -> None:
        if event.problem:
            self.show_error(InvalidInput(event.problem, code="image_file"))
        else:
            self._judge(event.payload)
