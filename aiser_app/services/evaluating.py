"""The work on an evaluation: every verified question, asked anew. Only workers import this."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine

from aiser_app.agent.loop import AgentLoop
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.evaluation import CaseOutcome, CaseScore, EvaluationCase
from aiser_app.domain.query_record import QueryRecord
from aiser_app.domain.result import Result
from aiser_app.domain.run import Run, RunStatus
from aiser_app.domain.verified_query import VerifiedQuery
from aiser_app.errors import (
    AiserError,
    EngineUnavailable,
    NotFound,
    QueryCancelled,
    SourcePaused,
)
from aiser_app.evaluation.desk import EvaluationDesk
from aiser_app.evaluation.scores import summarize
from aiser_app.query.journal import QueryJournal
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from aiser_app.reasoning.matching import tells_only_known
from aiser_app.services.evaluations import verified_of
from aiser_app.services.grants import for_agent, query_source
from aiser_app.services.journals import add_record
from aiser_app.services.model_cache import ModelCache
from aiser_app.services.run_actors import actor_of
from aiser_app.services.run_execution import Ending
from aiser_app.services.step_lines import StepLines
from aiser_app.services.value_indexes import ValueIndexes

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RecordsOnly:
    """Journal of queries whose rows nobody keeps: they are in the history, without a result."""

    engine: Engine

    def keep(self, _result: Result, record: QueryRecord) -> None:
        self.note(record)

    def note(self, record: QueryRecord) -> None:
        with UnitOfWork(self.engine) as uow:
            add_record(uow, record)
            uow.commit()


class EvaluationDesks:
    """Makes what questions over one source need, with the rights of whoever started the run."""

    def __init__(
        self,
        engine: Engine,
        *,
        agent: AgentLoop,
        router_for: Callable[[QueryJournal], QueryRouter],
        results: ResultStore,
        dialects: Mapping[str, str],
        row_limit: int,
        query_seconds: float,
        values: ValueIndexes | None = None,
    ) -> None:
        self._values = values
        self._engine = engine
        self._agent = agent
        self._router = router_for(RecordsOnly(engine=engine))
        self._results = results
        self._dialects = dialects
        self._row_limit = row_limit
        self._query_seconds = query_seconds
        self._models = ModelCache()

    def open(self, run: Run, source_id: str, cancel: CancelToken) -> EvaluationDesk:
        """Raises `NotFound` when the source, or its model, is gone; `PermissionDenied`."""
        with UnitOfWork(self._engine) as uow:
            actor = actor_of(uow, run)
            source = uow.data_sources.find(run.organization_id, source_id)
            if source is None:
                raise NotFound("The data source is gone.")
            return self._desk(uow, run, actor, source, cancel)

    def _desk(
        self, uow: UnitOfWork, run: Run, actor: Actor, source: DataSource, cancel: CancelToken
    ) -> EvaluationDesk:
        model = self._models.find_latest(uow, run.organization_id, source.source_id)
        if model is None:
            raise NotFound("The data source was not synchronized yet.")
        hidden = uow.source_tables.hidden_names(source.source_id)
        model = self._models.for_agent(model, hidden)
        granted = query_source(uow, actor, source, model)
        asked = for_agent(granted, model, hidden)
        return EvaluationDesk(
            agent=self._agent,
            actor=actor,
            granted=granted,
            asked=asked,
            values=self._values.find_index(model, asked) if self._values else None,
            model=self._models.as_seen(model, asked),
            dialect=self._dialects.get(source.engine, source.engine),
            queries=self._router,
            results=self._results,
            row_limit=self._row_limit,
            query_seconds=self._query_seconds,
            run_id=run.run_id,
            cancel=cancel,
        )


class Evaluating:
    """One per worker process."""

    def __init__(self, engine: Engine, desks: EvaluationDesks) -> None:
        self._engine = engine
        self._desks = desks

    def work(self, run: Run, cancel: CancelToken, steps: StepLines) -> Ending:
        """Ask all verified questions; what cannot be reached is a failed case, not a failed run.

        Raises:
            QueryCancelled: it was stopped.
            PermissionDenied: the person who started it was shut out meanwhile.
        """
        with UnitOfWork(self._engine) as uow:
            actor_of(uow, run)
            queries = verified_of(
                uow, run.organization_id, str(run.request.get("source_id") or "") or None
            )
        total = sum(len(query.questions) for query in queries)
        scores: list[CaseScore] = []
        for source_id in dict.fromkeys(query.source_id for query in queries):
            of_source = [query for query in queries if query.source_id == source_id]
            for score in self._of_source(run, source_id, of_source, cancel):
                scores.append(score)
                steps.report(
                    "evaluate",
                    "Asking verified questions",
                    f"{len(scores):,} of {total:,}",
                    state="done" if len(scores) == total else "run",
                )
        summary = summarize(scores)
        return Ending(
            status=RunStatus.SUCCEEDED,
            outcome=_outcome(summary),
            write=lambda uow: uow.evaluations.finish(run.run_id, summary, scores),
        )

    def _of_source(
        self, run: Run, source_id: str, queries: Sequence[VerifiedQuery], cancel: CancelToken
    ) -> Iterator[CaseScore]:
        cases = [(query, case) for query in queries for case in cases_of(query)]
        try:
            desk = self._desks.open(run, source_id, cancel)
        except NotFound as error:
            yield from (_failed(query, case, error) for query, case in cases)
            return
        for position, (query, case) in enumerate(cases):
            if cancel.is_set:
                raise QueryCancelled("The evaluation was stopped.")
            if not desk.granted.policies.is_empty and not tells_only_known(query, desk.model):
                continue
            try:
                score = _on_its_day(desk, query).score(case)
            except (EngineUnavailable, SourcePaused) as error:
                log.info("evaluation_source_left", extra={"source_id": source_id})
                yield from (_failed(q, c, error) for q, c in cases[position:])
                return
            yield replace(
                score,
                verified_query_id=query.verified_query_id,
                category=desk.granted.source.name,
            )


def cases_of(query: VerifiedQuery) -> list[EvaluationCase]:
    """A case for each way to ask it. The planner has to find the query by itself."""
    return [
        EvaluationCase(
            case_id=f"{query.verified_query_id}:{number}",
            question=question,
            gold_sql=query.sql,
            is_literal=bool(query.sql),
            gold_query=query.semantic_query,
        )
        for number, question in enumerate(query.questions, start=1)
    ]


def _on_its_day(desk: EvaluationDesk, query: VerifiedQuery) -> EvaluationDesk:
    """“Last month” of a checked query is the month before it was made; SQL moves by itself."""
    if query.semantic_query is None:
        return desk
    made_at = query.proposed_at if query.run_id else query.verified_at or query.proposed_at
    return replace(desk, today=made_at.date())


def _failed(query: VerifiedQuery, case: EvaluationCase, error: AiserError) -> CaseScore:
    return CaseScore(
        case_id=case.case_id,
        question=case.question,
        category="",
        outcome=CaseOutcome.FAILED,
        note=error.message,
        source_id=query.source_id,
        verified_query_id=query.verified_query_id,
    )


def _outcome(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What the run itself says: the evaluation has the rest."""
    names = ("cases", "counts", "accuracy", "precision", "coverage")
    return {name: summary[name] for name in names}
