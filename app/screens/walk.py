"""A scenario of Annex A, walked step by step: the driver's screen on one side, the message ladder on the other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from app.idle import Patience
from app.screens.choice import Choice
from app.screens.page import Page
from app.screens.question import Question
from app.screens.walk_entry import WalkEntry
from app.walk_messages import Begun, Ended, Opened, Rests, Saved, StepBegins, StepDone, Stuck
from app.walk_values import Guide, PlannedStep, Said
from app.walk_words import (
    OUTCOME,
    Course,
    body_lines,
    count_words,
    fault_name,
    found_remarks,
    message_facts,
    route_words,
    rows_of,
    step_facts,
    step_name,
)
from app.walked_driver import WalkedDriver
from app.widgets.app_window import AppWindow
from app.widgets.cells import apart
from app.widgets.message_ladder import WIDE, MessageLadder, lane_heads
from core.errors import EvroamError

GLANCE_SECONDS = 0.3
"""So long what a step has brought is in view while the walk runs to its end, and the driver's screen can follow."""


class WalkScreen(Page):
    """Walks with a guide. The driver's screen is the driver's own app; the ladder is what the platforms have logged."""

    place: ClassVar[str] = "walk"
    AUTO_FOCUS = "MessageLadder"
    patience: Patience | None = None
    DEFAULT_CSS = """
    WalkScreen #course { height: 1; padding: 0 1; color: $text-muted; }
    WalkScreen #sides { height: 1fr; }
    WalkScreen #driver { width: 40; background: $background; }
    WalkScreen #right { width: 1fr; height: 1fr; padding: 0 0 0 1; border-left: solid $border-blurred; }
    WalkScreen #lanes { height: 1; }
    WalkScreen.-wide #driver { width: 44%; }
    """

    def __init__(self, guide: Guide) -> None:
        super().__init__()
        self.guide = guide
        self.course = Course(guide.plan, guide.route)
        self.busy = True
        self._saved = ""
        self._pictures: dict[str, str] = {}

    # -- what is shown

    def heading(self) -> str:
        """The scenario."""
        return self.text.say("walk.title", number=self.guide.clause, name=self._scenario())

    def _scenario(self) -> str:
        return self.text.say(f"walk.scenario.{self.guide.route.scenario}")

    def body(self) -> ComposeResult:
        """How it goes, and the two sides."""
        yield Static(id="course")
        with Horizontal(id="sides"):
            yield AppWindow(id="driver")
            with Vertical(id="right"):
                yield Static(id="lanes")
                yield MessageLadder(self.text)

    def remark(self) -> str:
        """What is being waited for, or where the evidence lies."""
        if self._saved:
            return self.text.say("walk.saved", folder=self._saved)
        return self.text.say("walk.works") if self.busy else ""

    def show(self, cursor: str | None = None) -> None:
        """Show the course as it is; with the cursor on the row of an id, or where it is."""
        if not self.query(MessageLadder):
            return
        text, fault, width = self.text, self.guide.fault, self.size.width - 2
        words = apart(route_words(self.course, text), count_words(self.course, fault, text), width)
        self.query_one("#course", Static).update(Content(words))
        ladder, lanes = self.query_one(MessageLadder), self.course.lanes
        across = ladder.scrollable_content_region.width
        kind = "lane" if across >= WIDE else "short"
        names = [text.say(f"walk.{kind}.{one}") for one in lanes]
        self.query_one("#lanes", Static).update(lane_heads(names, across))
        ladder.show(rows_of(self.course, fault, text), len(lanes), cursor)
        self.refresh_keys()

    def on_resize(self) -> None:
        """Everything is written for a width."""
        self.call_after_refresh(self.show)

    def tick(self) -> None:
        """A second has passed: the driver may be further."""
        super().tick()
        self._follow()

    def _follow(self, *, anew: bool = False) -> None:
        app = self.query_one(AppWindow).shown if self.query(AppWindow) else None
        if isinstance(app, WalkedDriver):
            app.call_later(app.go_along, self.guide.situation(), anew=anew)

    # -- the walk

    def on_mount(self) -> None:
        """Raise the network."""
        self._work(self._begin)

    def _work(self, work: Callable[[], Awaitable[None]]) -> None:
        self.busy = True
        self.clear_error()
        self.refresh_keys()
        self.run_worker(self._guarded(work), group="walk", exclusive=True)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except EvroamError as error:
            self.post_message(Stuck(error))
        except OSError as error:
            why, what = self.text.say("walk.no_network", reason=error.strerror or str(error)), "walk.no_network_next"
            self.post_message(Stuck(EvroamError(why, code="no_network", next_step=self.text.say(what))))
        else:
            self.post_message(Rests())

    async def _begin(self) -> None:
        self.post_message(Begun(await self.guide.begin()))

    @on(Begun)
    def _begun(self, event: Begun) -> None:
        self.course.version = event.version
        kiosk = self.kiosk
        driver = WalkedDriver(self.guide.connect, kiosk.standpoint, self.text, kiosk.clock, dark=kiosk.dark)
        self.query_one(AppWindow).open(driver)
        self.show(self.course.plan[0].name)

    async def _one_step(self) -> None:
        await self._walk_on(1)

    async def _all_steps(self) -> None:
        await self._walk_on(len(self.course.plan))

    async def _walk_on(self, most: int) -> None:
        """So many steps; behind the last, and behind one that fails, the platforms are given time to cope."""
        for step in self.course.ahead[:most]:
            self._take_picture()
            self.post_message(StepBegins(step))
            result = await self.guide.step()
            if result is None:
                return
            self.post_message(StepDone(result))
            await asyncio.sleep(GLANCE_SECONDS)
            if not result.passed or step == self.course.plan[-1]:
                self._take_picture()
                self.post_message(Ended(await self.guide.end()))
                if self.guide.saves_at_end:
                    await self._save()
                return

    @on(StepBegins)
    def _step_begins(self, event: StepBegins) -> None:
        self.course.now = event.step
        self.show(event.step.name)

    @on(StepDone)
    def _step_done(self, event: StepDone) -> None:
        course = self.course
        course.walked.append(event.result)
        course.now = None
        self._follow(anew=True)
        self.show(course.ahead[0].name if course.ahead else event.result.name)

    @on(Ended)
    def _ended(self, event: Ended) -> None:
        self.course.outcome = event.outcome
        self._follow(anew=True)
        self.show(OUTCOME)

    @on(Rests)
    def _rests(self) -> None:
        self.busy = False
        self.refresh_keys()

    @on(Stuck)
    def _stuck(self, event: Stuck) -> None:
        self.busy, self.course.now = False, None
        self.show_error(event.error)
        self.show()

    # -- keys

    def can(self, name: str) -> bool:
        """One thing after the other; a walk that has ended is only looked at."""
        course = self.course
        match name:
            case "next_step" | "run_to_end":
                return not self.busy and bool(course.version and course.ahead)
            case "inject_fault":
                return not self.busy and bool(course.version) and self._step_for_fault() is not None
            case "evidence_pack":
                return not self.busy and course.outcome is not None and not self._saved
        return super().can(name)

    def action_next_step(self) -> None:
        """Walk one step."""
        if self.can("next_step"):
            self._work(self._one_step)

    def action_run_to_end(self) -> None:
        """Walk all steps that are ahead."""
        if self.can("run_to_end"):
            self._work(self._all_steps)

    def _step_for_fault(self) -> PlannedStep | None:
        """The step under the cursor if it is ahead and something can be wrong there, else the next such."""
        fault, able = self.guide.fault, [one for one in self.course.ahead if one.faults]
        if fault is not None and self.course.result_of(fault[1]) is not None:
            return None  # a walk has one fault
        chosen = self.query_one(MessageLadder).chosen if self.query(MessageLadder) else None
        return next((one for one in able if one.name == chosen), able[0] if able else None)

    def action_inject_fault(self) -> None:
        """Choose what is to be wrong, at the step under the cursor or the next one."""
        step = self._step_for_fault()
        if step is None or not self.can("inject_fault"):
            return
        text, wanted = self.text, [*step.faults, *([] if self.guide.fault is None else [None])]
        options = [text.say("walk.without_fault") if one is None else fault_name(one, text) for one in wanted]
        title = text.say("walk.fault_at", step=step_name(step.name, text))
        self.app.push_screen(
            Choice(title, options), lambda index: None if index is None else self._inject(wanted[index], step)
        )

    def _inject(self, fault: str | None, step: PlannedStep) -> None:
        try:
            self.guide.inject(fault, step.name)
        except EvroamError as error:
            self.show_error(error)
        self.show(step.name)

    def action_open_message(self) -> None:
        """Open the row under the cursor."""
        chosen = self.query_one(MessageLadder).chosen
        if chosen is not None:
            self._open(chosen)

    @on(MessageLadder.OptionSelected)
    def _clicked(self, event: MessageLadder.OptionSelected) -> None:
        if event.option.id is not None:
            self._open(event.option.id)

    def _open(self, id: str) -> None:
        said = self.course.said(id)
        if said is not None:
            self.run_worker(self._guarded_text(said), group="open", exclusive=True)
            return
        step = next((one for one in self.course.plan if one.name == id.partition("/")[0]), None)
        outcome = self.course.outcome
        if step is None and outcome is not None:
            coped = [(self.text.say("walk.coped"), outcome.coped)] if outcome.coped else []
            self.app.push_screen(WalkEntry(self.heading(), outcome.sentence, (), bodies=coped))
        elif step is not None:
            result = self.course.result_of(step.name)
            found = found_remarks(result.found if result else (), self.text)
            title = step_name(step.name, self.text)
            self.app.push_screen(WalkEntry(self.heading(), title, step_facts(step, result, self.text), found=found))

    async def _guarded_text(self, said: Said) -> None:
        try:
            self.post_message(Opened(said, await self.guide.text_of(said)))
        except EvroamError as error:
            self.post_message(Stuck(error))

    @on(Opened)
    def _opened(self, event: Opened) -> None:
        said, logged, say = event.said, event.logged, self.text.say
        bodies = [
            (say(f"walk.{name}"), body_lines(body) if body else (say("walk.no_body"),))
            for name, body in (("request", logged.request_body), ("answer", logged.response_body))
        ]
        facts = message_facts(said, logged, self.text)
        title = f"{said.method} {said.path}"
        self.app.push_screen(WalkEntry(self.heading(), title, facts, note=say("walk.headers"), bodies=bodies))

    # -- what stays

    def _take_picture(self) -> None:
        """The driver's screen after the last step, for the evidence."""
        if not self.course.walked:
            return
        name = f"{len(self.course.walked):02}-{self.course.walked[-1].name}"
        picture = self.query_one(AppWindow).picture(name)
        if picture is not None:
            self._pictures.setdefault(name, picture)

    def action_evidence_pack(self) -> None:
        """Save the evidence."""
        if self.can("evidence_pack"):
            self._work(self._save)

    async def _save(self) -> None:
        self.post_message(Saved(str(await self.guide.save_evidence(self._pictures))))

    @on(Saved)
    def _evidence_saved(self, event: Saved) -> None:
        self._saved = event.folder
        self.show()

    def action_back(self) -> None:
        """Leave; a walk that is under way is given up after a question."""
        say = self.text.say
        if not self.course.walked or self.course.outcome is not None:
            self._leave_if(True)
            return
        question = Question(
            say("walk.leave"), say("walk.leave_what"), yes=say("walk.leave_yes"), no=say("walk.leave_no")
        )
        self.app.push_screen(question, self._leave_if)

    def _leave_if(self, wanted: bool | None) -> None:
        if wanted:
            self.kiosk.go_back()

    async def on_unmount(self) -> None:
        """However the walk is left: the driver's app goes first, for it speaks with the network that goes next."""
        self.workers.cancel_node(self)
        for window in self.query(AppWindow):
            await window.close()
        await self.guide.close()
