"""What the job of answering a question does: claim, work, write down. Only workers import this."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from sqlalchemy import Engine

from aiser_app.access.permissions import permissions_of
from aiser_app.agent.answer import Outcome
from aiser_app.agent.budget import Budget
from aiser_app.agent.context import AgentContext, previous_query
from aiser_app.agent.loop import AgentLoop
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.run import Run, RunFailure, RunStatus
from aiser_app.errors import AiserError, NotFound, PermissionDenied, ServiceUnavailable
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from aiser_app.services.model_cache import ModelCache
from aiser_app.services.run_lifecycle import RunLifecycle, deadline_failure
from aiser_app.services.run_watch import RunWatch
from aiser_app.services.step_lines import StepLines
from aiser_app.tools.contract import Findings, ToolContext

log = logging.getLogger(__name__)

PERSIST_SECONDS = 20.0
"""How long an ending is tried to be written while Postgres is away; then the reaper ends the run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsweringLimits:
    row_limit: int
    query_timeout_seconds: float


class Answering:
    """One per worker process; works on one run at a time."""

    def __init__(
        self,
        engine: Engine,
        *,
        worker: str,
        lifecycle: RunLifecycle,
        events: RunEventLog,
        control: RunControl,
        agent: AgentLoop,
        router_for: Callable[[Run], QueryRouter],
        results: ResultStore,
        limits: AnsweringLimits,
    ) -> None:
        """`router_for` gives the gate whose results are recorded as those of that run."""
        self._engine = engine
        self._worker = worker
        self._lifecycle = lifecycle
        self._events = events
        self._control = control
        self._agent = agent
        self._router_for = router_for
        self._results = results
        self._limits = limits
        self._models = ModelCache()
        self._current: CancelToken | None = None
        self._is_stopping = False

    def answer(self, run_id: str) -> None:
        """Answer the question of a queued run; does nothing when it is not queued (any more).

        Raises:
            ServiceUnavailable: the run could not be claimed; it stays queued, the reaper sees to it.
        """
        run = self._lifecycle.begin(run_id, self._worker)
        if run is None:
            return
        cancel = CancelToken()
        self._current = cancel
        if self._is_stopping:
            cancel.cancel("shutdown")
        steps = StepLines(self._events, run_id)
        watch = RunWatch(
            self._control,
            run_id=run_id,
            worker=self._worker,
            seconds_left=(run.deadline_at - datetime.now(UTC)).total_seconds(),
            cancel=cancel,
        )
        try:
            with watch:
                outcome = self._outcome(run, cancel, steps)
                self._persist(run, outcome, cancel, steps)
        finally:
            self._current = None

    def stop(self) -> None:
        """Interrupt the run in hand, and any that still begins: they go back into the queue."""
        self._is_stopping = True
        current = self._current
        if current is not None:
            current.cancel("shutdown")

    @property
    def is_busy(self) -> bool:
        return self._current is not None

    def _outcome(self, run: Run, cancel: CancelToken, steps: StepLines) -> Outcome:
        """The work, with whatever goes wrong turned into an ending."""
        try:
            return self._work(run, cancel, steps)
        except AiserError as error:
            log.info("run_stopped", extra={"run_id": run.run_id, "code": error.code})
            failure = RunFailure(code=error.code, message=error.message, hint=error.hint)
        except Exception:
            log.exception("run_failed_unexpectedly", extra={"run_id": run.run_id})
            failure = RunFailure(
                code=AiserError.code,
                message=f"Something went wrong inside Aiser (run {run.run_id}).",
                hint="Try again; if it stays, give this run id to your administrator.",
            )
        return self._ending(run, failure, cancel.reason)

    @staticmethod
    def _ending(run: Run, failure: RunFailure, reason: str | None) -> Outcome:
        """Why the work stopped decides, not where the stop was noticed."""
        if reason == "cancelled":
            return Outcome(status=RunStatus.CANCELLED)
        if reason == "deadline" or failure.code == "deadline_exceeded":
            return Outcome(status=RunStatus.FAILED, failure=deadline_failure(run))
        return Outcome(status=RunStatus.FAILED, failure=failure)

    def _work(self, run: Run, cancel: CancelToken, steps: StepLines) -> Outcome:
        budget = Budget(
            deadline_at=run.deadline_at,
            cancel=cancel,
            query_timeout_seconds=self._limits.query_timeout_seconds,
        )
        budget.check()
        findings = Findings()
        started_at = run.started_at or datetime.now(UTC)
        findings.add_timing("queue_wait", (started_at - run.created_at).total_seconds() * 1000)
        with findings.timed("context"):
            context, actor = self._context(run)
        tools = ToolContext(
            run_id=run.run_id,
            actor=actor,
            source=context.source,
            model=context.model,
            queries=self._router_for(run),
            results=self._results,
            cancel=cancel,
            report=steps.report,
            row_limit=self._limits.row_limit,
            seconds_left=budget.query_seconds,
            findings=findings,
        )
        return self._agent.run(context, tools, budget, steps.emit)

    def _context(self, run: Run) -> tuple[AgentContext, Actor]:
        """What the run is about, and on whose behalf, as it is now.

        Raises:
            PermissionDenied: the user was shut out meanwhile.
            NotFound: the source, or its model, is gone.
        """
        with UnitOfWork(self._engine) as uow:
            user = uow.users.find(run.organization_id, run.user_id)
            source = uow.data_sources.find(run.organization_id, run.source_id)
            model = self._models.find_latest(uow, run.organization_id, run.source_id)
            turns = uow.turns.list_all(run.organization_id, run.conversation_id)
        if user is None or not user.is_active:
            raise PermissionDenied("This account may not ask questions any more.")
        if source is None or model is None:
            raise NotFound("The data source of this question is gone.", hint="Choose another one.")
        actor = Actor(
            user_id=user.user_id,
            organization_id=user.organization_id,
            role=user.role,
            permissions=permissions_of(user.role),
            name=user.name,
            email=user.email,
        )
        context = AgentContext(
            question=run.question,
            source=source,
            model=model,
            today=datetime.now(UTC).date(),
            previous=previous_query(turns, run),
        )
        return context, actor

    def _persist(self, run: Run, outcome: Outcome, cancel: CancelToken, steps: StepLines) -> None:
        """Write the ending, waiting for Postgres if need be."""
        if cancel.reason == "lost":
            log.warning("run_left_to_another_worker", extra={"run_id": run.run_id})
            return
        give_up_at = perf_counter() + PERSIST_SECONDS
        while True:
            try:
                self._write(run, outcome, cancel, steps)
            except ServiceUnavailable:
                if perf_counter() > give_up_at:
                    log.error("run_ending_not_written", extra={"run_id": run.run_id})
                    return
                time.sleep(0.3)
            else:
                return

    def _write(self, run: Run, outcome: Outcome, cancel: CancelToken, steps: StepLines) -> None:
        interrupted = outcome.status is RunStatus.FAILED and cancel.reason == "shutdown"
        if interrupted:
            self._lifecycle.hand_back(run)
            return
        self._lifecycle.finish(
            run.run_id,
            run.attempts,
            status=outcome.status,
            answer=outcome.answer,
            failure=outcome.failure,
            steps=steps.close("warn" if outcome.status is RunStatus.CANCELLED else "fail"),
        )
