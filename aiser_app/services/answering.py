"""The work on a question: what it is about, and the agent. Only workers import this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine

from aiser_app.agent.budget import Budget
from aiser_app.agent.context import AgentContext, previous_query
from aiser_app.agent.loop import AgentLoop
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.run import Run
from aiser_app.errors import NotFound
from aiser_app.query.request import QuerySource
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from aiser_app.services.grants import for_agent, query_source
from aiser_app.services.model_cache import ModelCache
from aiser_app.services.run_actors import actor_of
from aiser_app.services.run_execution import Ending
from aiser_app.services.step_lines import StepLines
from aiser_app.services.value_indexes import ValueIndexes
from aiser_app.tools.contract import Findings, ToolContext


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsweringLimits:
    row_limit: int
    query_timeout_seconds: float


class Answering:
    """One per worker process."""

    def __init__(
        self,
        engine: Engine,
        *,
        agent: AgentLoop,
        router_for: Callable[[Run], QueryRouter],
        results: ResultStore,
        dialects: Mapping[str, str],
        limits: AnsweringLimits,
        values: ValueIndexes | None = None,
    ) -> None:
        """`router_for` gives the gate whose results are recorded as those of that run."""
        self._engine = engine
        self._agent = agent
        self._router_for = router_for
        self._results = results
        self._dialects = dialects
        self._limits = limits
        self._models = ModelCache()
        self._values = values

    def work(self, run: Run, cancel: CancelToken, steps: StepLines) -> Ending:
        """Answer the question of a claimed run.

        Raises:
            AiserError: why it cannot be answered, for the person who asked.
        """
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
            context, actor, granted = self._context(run)
        tools = ToolContext(
            run_id=run.run_id,
            actor=actor,
            granted=granted,
            dialect=self._dialects.get(context.source.engine, context.source.engine),
            model=context.model,
            queries=self._router_for(run),
            results=self._results,
            cancel=cancel,
            report=steps.report,
            row_limit=self._limits.row_limit,
            seconds_left=budget.query_seconds,
            findings=findings,
        )
        outcome = self._agent.run(context, tools, budget, steps.emit)
        return Ending(status=outcome.status, answer=outcome.answer, failure=outcome.failure)

    def _context(self, run: Run) -> tuple[AgentContext, Actor, QuerySource]:
        """What the run is about, and on whose behalf, as it is now.

        Raises:
            PermissionDenied: the user was shut out meanwhile.
            NotFound: the source, or its model, is gone.
        """
        with UnitOfWork(self._engine) as uow:
            actor = actor_of(uow, run)
            source = uow.data_sources.find(run.organization_id, run.source_id)
            model = self._models.find_latest(uow, run.organization_id, run.source_id)
            turns = uow.turns.list_all(run.organization_id, run.conversation_id)
            if source is None:
                raise NotFound(
                    "The data source of this question is gone.", hint="Choose another one."
                )
            if model is None:
                raise NotFound(
                    f"“{source.name}” was not synchronized yet.",
                    hint="Wait for its first sync, or look why it failed.",
                )
            granted = for_agent(query_source(uow, actor, source, model), model)
            model = self._models.as_seen(model, granted)
        context = AgentContext(
            question=run.question,
            source=source,
            model=model,
            today=datetime.now(UTC).date(),
            previous=previous_query(turns, run),
            values=self._values.find_index(model, granted) if self._values else None,
        )
        return context, actor, granted
