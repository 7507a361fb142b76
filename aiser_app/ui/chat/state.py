"""State of the chat page.

Everything durable is in the services and in the address; this can be lost at any reconnect and is
then built anew.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import reflex as rx

from aiser_app.domain.actor import Actor
from aiser_app.domain.conversation import Turn
from aiser_app.domain.permission import Permission
from aiser_app.domain.verified_query import Thumb
from aiser_app.errors import AiserError, InvalidInput, NotFound, NotSignedIn
from aiser_app.ui.calls import call, services
from aiser_app.ui.chat.thread import (
    FINAL,
    SourceView,
    SuggestionView,
    Thread,
    load_start,
    load_thread,
)
from aiser_app.ui.chat.view import TurnView, view_step, view_turn
from aiser_app.ui.chat.wakeups import wakeups
from aiser_app.ui.chat.watcher import FLUSH_SECONDS, Batch, RunWatcher
from aiser_app.ui.guard import requires
from aiser_app.ui.identity import actor_of
from aiser_app.ui.shell.state import ShellState

LOOK_SECONDS = 15.0
"""How often an open page looks by itself: for turns asked elsewhere, and whether its session still
holds."""
RETRY_SECONDS = 2.0
"""Pause after a store did not answer."""
SAME_QUESTION_SECONDS = 1.5
"""The same question again within this time, while it is open, is a double click."""


class ChatState(rx.State):
    """One conversation, or the start of a new one."""

    thread_id: str = ""
    is_loaded: bool = False
    is_missing: bool = False
    settled: list[TurnView] = []
    live: list[TurnView] = []
    source: SourceView = SourceView()
    suggestions: list[SuggestionView] = []
    problem: str = ""
    problem_hint: str = ""
    is_store_down: bool = False
    refusals: int = 0
    """Counts failures, so that the same one twice is news to the page."""
    announcement: str = ""
    _asked: str = ""
    _asked_at: float = 0.0
    _watch: str = ""

    @rx.var
    def latest_turn(self) -> str:
        """Id of the last turn, which the page keeps in view."""
        turns = self.live or self.settled
        return turns[-1].turn_id if turns else ""

    @rx.event
    @requires(Permission.CONVERSATIONS_READ)
    async def open(self, actor: Actor):
        """Load what the address names."""
        wanted = _conversation_of(self)
        if wanted != self.thread_id:
            self._clear(wanted)
        shell = await self.get_state(ShellState)
        shell.current_id = wanted
        if not wanted:
            shell.title = "New chat"
            self.source, self.suggestions = await call(load_start, services(), actor)
        else:
            await self._load(actor, shell)
        self.is_loaded = True
        self._settle_problem()
        return ChatState.watch if wanted and not self.is_missing else None

    @rx.event(background=True)
    @requires(Permission.CONVERSATIONS_READ)
    async def watch(self, actor: Actor):
        """Keep the open page current. Ends with the page: Reflex cancels what a load started."""
        wanted = _conversation_of(self)
        if not wanted:
            return
        own = f"{time.monotonic_ns()}"
        async with self:
            self._watch = own
        with wakeups.listen(wanted) as wake:
            watcher = RunWatcher(
                lambda run_id, after: services().runs.follow(actor, run_id, after), wake
            )
            try:
                await self._follow(actor, watcher, own, wanted)
            except NotFound:  # deleted meanwhile
                async with self:
                    self.is_missing = True
            finally:
                await watcher.close()

    @rx.event
    @requires(Permission.QUESTIONS_ASK)
    async def ask(self, actor: Actor, question: str):
        """Ask in the open conversation, or start one."""
        if self._is_double_click(question):
            return None
        self._settle_problem()
        run = await call(
            services().chat.ask,
            actor,
            question,
            source=self.source.source_id or None,
            conversation_id=self.thread_id or None,
        )
        self.live = [
            *_plain(self.live),
            view_turn(Turn(turn_id=run.turn_id, position=0, question=run.question, run=run), None),
        ]
        self.announcement = "Question sent."
        if not self.thread_id:
            self.thread_id = run.conversation_id
            return [ShellState.refresh, rx.redirect(f"/chat/{run.conversation_id}")]
        wakeups.notify(run.conversation_id)
        return None

    @rx.event
    @requires(Permission.QUESTIONS_ASK)
    async def stop(self, actor: Actor, run_id: str):
        """Stop a run and the query that it runs."""
        run = await call(services().runs.cancel, actor, run_id)
        wakeups.notify(run.conversation_id)

    @rx.event
    @requires(Permission.QUESTIONS_ASK)
    async def rate(self, actor: Actor, run_id: str, thumb: str):
        """Say whether an answer was right; a thumb up proposes its query to be verified."""
        if thumb not in (Thumb.UP, Thumb.DOWN):
            raise InvalidInput("An answer is right or wrong.")
        proposed = await call(services().feedback.rate, actor, run_id, Thumb(thumb))
        self.settled = _rated(_plain(self.settled), run_id, thumb)
        self.live = _rated(_plain(self.live), run_id, thumb)
        said = "Marked as right." if thumb == Thumb.UP else "Marked as wrong."
        self.announcement = f"{said} Proposed to be verified." if proposed else said

    def _is_double_click(self, question: str) -> bool:
        now = time.monotonic()
        is_recent = question == self._asked and now - self._asked_at < SAME_QUESTION_SECONDS
        self._asked, self._asked_at = question, now
        open_questions = {turn.question for turn in self.live if turn.status not in FINAL}
        return is_recent and question.strip() in open_questions

    def _clear(self, thread_id: str) -> None:
        self.thread_id = thread_id
        self.is_loaded = False
        self.is_missing = False
        self.settled = []
        self.live = []
        self.suggestions = []
        self.source = SourceView()
        self.announcement = ""

    async def _load(self, actor: Actor, shell: ShellState) -> None:
        try:
            thread = await call(load_thread, services(), actor, self.thread_id, {})
        except NotFound:
            self.is_missing = True
            shell.title = "Not found"
            return
        self.is_missing = False
        self._show(thread)
        shell.title = thread.title

    def _show(self, thread: Thread) -> None:
        self.source = thread.source
        if thread.settled != _plain(self.settled):
            self.settled = thread.settled
        self.live = thread.live

    async def _follow(self, actor: Actor, watcher: RunWatcher, own: str, wanted: str) -> None:
        batch: Batch | None = None
        while True:
            went_well = await self._refresh(actor, watcher, own, wanted, batch)
            if self._watch != own:
                return
            await asyncio.sleep(FLUSH_SECONDS if went_well else RETRY_SECONDS)
            batch = await watcher.next_batch(LOOK_SECONDS if went_well else 0)

    async def _refresh(
        self, actor: Actor, watcher: RunWatcher, own: str, wanted: str, batch: Batch | None
    ) -> bool:
        """Bring a batch of news, or a new look, into the state; False when a store is away."""
        problem: AiserError | None = batch.problem if batch else None
        try:
            if batch is None or batch.ended or batch.problem:
                await self._look(actor, own, wanted)
            if batch is not None:
                async with self:
                    self._apply(batch)
        except (NotSignedIn, NotFound):
            raise  # there is nothing left to watch
        except AiserError as error:
            problem = error
        if problem is not None:
            async with self:
                self._report(problem)
        watcher.watch({turn.run_id for turn in self.live if turn.status not in FINAL})
        return problem is None

    async def _look(self, actor: Actor, own: str, wanted: str) -> None:
        if await actor_of(self) is None:
            raise NotSignedIn
        shown = [*_plain(self.settled), *_plain(self.live)]
        known = {turn.run_id: turn for turn in shown if turn.status in FINAL}
        thread = await call(load_thread, services(), actor, wanted, known)
        async with self:
            if self._watch != own or self.thread_id != wanted:
                return
            ended = {turn.run_id for turn in self.live if turn.status not in FINAL}
            self._keep_steps(thread)
            self._show(thread)
            self._settle_problem()
            for turn in [*thread.settled, *thread.live]:
                if turn.run_id in ended and turn.status in FINAL:
                    self.announcement = _outcome(turn)

    def _keep_steps(self, thread: Thread) -> None:
        """Steps of running turns come by events; the database has them at the end only."""
        shown = {turn.run_id: turn.steps for turn in _plain(self.live)}
        for turn in thread.live:
            if turn.status not in FINAL:
                turn.steps = shown.get(turn.run_id) or turn.steps

    def _apply(self, batch: Batch) -> None:
        changed = []
        for turn in _plain(self.live):
            events = batch.steps.get(turn.run_id, [])
            if turn.status not in FINAL and events:
                lines = {step.key: step for step in turn.steps}
                for event in events:
                    line = view_step(event.payload)
                    lines[line.key] = line
                    self.announcement = line.title
                turn = replace(turn, steps=list(lines.values()), status="running")
            changed.append(turn)
        self.live = changed

    def _settle_problem(self) -> None:
        self.problem = ""
        self.problem_hint = ""
        self.is_store_down = False

    def _report(self, error: AiserError) -> None:
        self.refusals += 1
        self.problem = error.message
        self.problem_hint = error.hint or ""
        self.is_store_down = error.http_status == 503
        self.is_loaded = True


def _plain(turns: list[TurnView]) -> list[TurnView]:
    """The views themselves: state hands out proxies, which must not be stored again."""
    return [getattr(turn, "__wrapped__", turn) for turn in turns]


def _rated(turns: list[TurnView], run_id: str, thumb: str) -> list[TurnView]:
    return [replace(turn, thumb=thumb) if turn.run_id == run_id else turn for turn in turns]


def _conversation_of(state: rx.State) -> str:
    """The conversation that the page's address names; whether it may be read is checked later."""
    path = state.router.url.path.strip("/").split("/")
    return path[1][:64] if len(path) > 1 and path[0] == "chat" else ""


def _outcome(turn: TurnView) -> str:
    if turn.status == "answered":
        return f"Answered. {turn.headline} {turn.text}".strip()
    if turn.status == "needs_input":
        return f"Aiser asks back. {turn.clarifying}"
    return "Stopped." if turn.status == "cancelled" else f"Failed. {turn.failure}"
