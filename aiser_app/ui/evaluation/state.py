"""State of the evaluation page. All of it is built anew from the services at any time."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import reflex as rx

from aiser_app.domain.actor import Actor
from aiser_app.domain.permission import Permission
from aiser_app.domain.run import EventKind
from aiser_app.errors import AiserError, InvalidInput, NotFound
from aiser_app.services.verified_queries import VerifiedInput
from aiser_app.ui.calls import call, services
from aiser_app.ui.evaluation.view import EvaluationPage, load_page
from aiser_app.ui.guard import requires
from aiser_app.ui.shell.state import ShellState

POLL_SECONDS = 2.0
"""How often a page looks at an evaluation that somebody else has started."""
FLUSH_SECONDS = 0.25


class EvaluationState(rx.State):
    """Proposals, verified questions and their evaluations."""

    is_loaded: bool = False
    page: EvaluationPage = EvaluationPage()
    progress: str = ""
    editing_id: str = ""
    problem: str = ""
    problem_hint: str = ""
    is_store_down: bool = False
    announcement: str = ""
    _watch: str = ""

    @rx.var
    def is_running(self) -> bool:
        return self.page.running_id != ""

    @rx.event
    @requires(Permission.VERIFIED_QUERIES_MANAGE)
    async def open(self, actor: Actor):
        shell = await self.get_state(ShellState)
        shell.current_id = ""
        shell.title = "Evaluation"
        await self._load(actor)
        return EvaluationState.watch

    @rx.event
    @requires(Permission.VERIFIED_QUERIES_MANAGE)
    async def start(self, actor: Actor):
        """Ask all verified questions anew."""
        self._settle()
        await call(services().evaluations.start, actor)
        self.announcement = "Evaluation started."
        await self._load(actor)
        return EvaluationState.watch

    @rx.event
    @requires(Permission.VERIFIED_QUERIES_MANAGE)
    async def stop(self, actor: Actor):
        """Only whoever started it can stop it."""
        self._settle()
        await call(services().runs.cancel, actor, self.page.running_id)

    @rx.event
    @requires(Permission.VERIFIED_QUERIES_MANAGE)
    async def show(self, actor: Actor, evaluation_id: str):
        self._settle()
        await self._load(actor, evaluation_id)

    @rx.event
    @requires(Permission.VERIFIED_QUERIES_MANAGE)
    async def edit(self, actor: Actor, verified_query_id: str):
        """Write the question of a proposal in other words."""
        self.editing_id = verified_query_id

    @rx.event
    @requires(Permission.VERIFIED_QUERIES_MANAGE)
    async def keep(self, actor: Actor):
        self.editing_id = ""

    @rx.event
    @requires(Permission.VERIFIED_QUERIES_MANAGE)
    async def rewrite(self, actor: Actor, verified_query_id: str, question: str):
        """Put these words in place of the first question; approving is another click."""
        self._settle()
        self.editing_id = ""
        queries = services().verified_queries
        known = await call(queries.get, actor, verified_query_id)
        change = VerifiedInput(questions=[question, *known.questions[1:]], name=question[:200])
        await call(queries.change, actor, verified_query_id, change)
        await self._load(actor)

    @rx.event
    @requires(Permission.VERIFIED_QUERIES_MANAGE)
    async def approve(self, actor: Actor, verified_query_id: str):
        """From now on it answers its questions."""
        self._settle()
        made = await call(services().verified_queries.approve, actor, verified_query_id)
        self.announcement = f"Verified: {made.name}"
        await self._load(actor)

    @rx.event
    @requires(Permission.VERIFIED_QUERIES_MANAGE)
    async def choose(self, actor: Actor, verified_query_id: str, action: str):
        """What the menus offer for a proposal or a verified query."""
        self._settle()
        queries = services().verified_queries
        if action == "dismiss":
            await call(queries.delete, actor, verified_query_id)
            self.announcement = "Dismissed."
        elif action == "begin":
            change = VerifiedInput(is_onboarding=True)
            made = await call(queries.change, actor, verified_query_id, change)
            self.announcement = f"Offered to beginners: {made.name}"
        elif action == "retire":
            await call(queries.retire, actor, verified_query_id)
            self.announcement = "Retired. It answers no question any more."
        else:
            raise InvalidInput("There is no such action.")
        await self._load(actor)

    @rx.event(background=True)
    @requires(Permission.VERIFIED_QUERIES_MANAGE)
    async def watch(self, actor: Actor):
        """Follow the evaluation that is under way to its end; ends with the page."""
        own = f"{time.monotonic_ns()}"
        async with self:
            self._watch = own
            run_id, evaluation_id = self.page.running_id, self.page.running_evaluation
        if not run_id:
            return
        try:
            await self._follow(actor, own, run_id)
        except NotFound:  # somebody else's run: its steps are theirs, its result is for all
            await self._poll(actor, own, evaluation_id)
        async with self:
            if self._watch == own:
                self.progress = ""
                self.announcement = "The evaluation has ended."
                await self._load(actor)

    async def _follow(self, actor: Actor, own: str, run_id: str) -> None:
        told = 0.0
        async with aclosing(services().runs.follow(actor, run_id, 0)) as events:  # type: ignore[type-var]
            async for event in events:
                if event.kind is not EventKind.STEP or time.monotonic() - told < FLUSH_SECONDS:
                    continue
                told = time.monotonic()
                async with self:
                    if self._watch != own:
                        return
                    self.progress = str(event.payload.get("detail") or "")

    async def _poll(self, actor: Actor, own: str, evaluation_id: str) -> None:
        while self._watch == own:
            found = await call(services().evaluations.get, actor, evaluation_id)
            if found.status.is_final:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _load(self, actor: Actor, wanted: str = "") -> None:
        self.page = await call(load_page, services(), actor, wanted)
        self.is_loaded = True

    def _settle(self) -> None:
        self.problem = ""
        self.problem_hint = ""
        self.is_store_down = False

    def _report(self, error: AiserError) -> None:
        self.problem = error.message
        self.problem_hint = error.hint or ""
        self.is_store_down = error.http_status == 503
        self.is_loaded = True
