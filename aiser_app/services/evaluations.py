"""Evaluations of an organization's verified questions: started, listed, read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.broker.job_queue import JobQueue
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.identifiers import is_id, new_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.evaluation import Evaluation
from aiser_app.domain.permission import Permission
from aiser_app.domain.run import EventKind, Run, RunKind, RunStatus
from aiser_app.domain.verified_query import VerifiedQuery, VerifiedStatus
from aiser_app.errors import Conflict, InvalidInput, NotFound
from aiser_app.services.run_lifecycle import enqueue_run
from aiser_app.services.sources import find_source

EVALUATION_SECONDS = 1_800
"""Deadline of an evaluation, waiting for a worker included."""
LISTED = 100


class Evaluations:
    def __init__(self, engine: Engine, *, queue: JobQueue, events: RunEventLog) -> None:
        self._engine = engine
        self._queue = queue
        self._events = events

    def start(self, actor: Actor, source: str | None = None) -> Evaluation:
        """Queue an evaluation of all verified questions, or of those of one source.

        Raises:
            InvalidInput: there is no verified question.
            Conflict: one is under way.
        """
        require(actor, Permission.VERIFIED_QUERIES_MANAGE)
        now = datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            source_id = None
            if source is not None:
                source_id = find_source(uow, actor.organization_id, source).source_id
            uow.users.lock_all(actor.organization_id)
            if uow.evaluations.has_open(actor.organization_id):
                raise Conflict("An evaluation is under way.", hint="Wait until it has ended.")
            queries = verified_of(uow, actor.organization_id, source_id)
            if not queries:
                raise InvalidInput(
                    "There is no verified question yet.",
                    hint="Approve one: a thumb up on a right answer proposes it.",
                )
            run = Run(
                run_id=new_id(),
                organization_id=actor.organization_id,
                user_id=actor.user_id,
                source_id=queries[0].source_id,
                kind=RunKind.EVALUATE,
                request={"source_id": source_id or ""},
                status=RunStatus.QUEUED,
                attempts=0,
                created_at=now,
                deadline_at=now + timedelta(seconds=EVALUATION_SECONDS),
            )
            evaluation = Evaluation(
                evaluation_id=new_id(),
                organization_id=actor.organization_id,
                run_id=run.run_id,
                user_id=actor.user_id,
                started_by=actor.name[:200],
                created_at=now,
                case_count=sum(len(query.questions) for query in queries),
            )
            uow.runs.add(run)
            uow.evaluations.add(evaluation)
            uow.after_commit(lambda: self._announce(run))
            uow.commit()
        return evaluation

    def list(self, actor: Actor, limit: int = LISTED) -> Sequence[Evaluation]:
        """Latest first, without their cases."""
        require(actor, Permission.VERIFIED_QUERIES_MANAGE)
        with UnitOfWork(self._engine) as uow:
            return uow.evaluations.list_all(actor.organization_id, limit)

    def get(self, actor: Actor, evaluation_id: str) -> Evaluation:
        """With its cases. Raises `NotFound`, also for one of another organization."""
        require(actor, Permission.VERIFIED_QUERIES_MANAGE)
        found = None
        if is_id(evaluation_id):
            with UnitOfWork(self._engine) as uow:
                found = uow.evaluations.find(actor.organization_id, evaluation_id)
        if found is None:
            raise NotFound("There is no such evaluation.")
        return found

    def trend(self, actor: Actor) -> dict[str, Any] | None:
        """The option of a chart over the evaluations that have ended; None before there are two."""
        ended = [item for item in reversed(self.list(actor)) if item.summary is not None]
        return _trend(ended) if len(ended) > 1 else None

    def _announce(self, run: Run) -> None:
        self._events.append(run.run_id, EventKind.QUEUED, {})
        enqueue_run(self._queue, run, EVALUATION_SECONDS)


def _trend(ended: Sequence[Evaluation]) -> dict[str, Any]:
    """Shares in percent over time, one line each."""
    measures = (("accuracy", "Right of all"), ("precision", "Right of answered"))
    return {
        "dataset": [],
        "legend": {"left": 0, "top": 0},
        "grid": {"left": 6, "right": 12, "top": 32, "containLabel": True},
        "xAxis": [
            {"type": "category", "data": [f"{item.created_at:%d %b %H:%M}" for item in ended]}
        ],
        "yAxis": [{"type": "value", "min": 0, "max": 100, "interval": 25}],
        "series": [
            {
                "type": "line",
                "name": title,
                "showSymbol": True,
                "data": [_percent(item, measure) for item in ended],
            }
            for measure, title in measures
        ],
    }


def _percent(evaluation: Evaluation, measure: str) -> float | None:
    share = (evaluation.summary or {}).get(measure)
    return None if share is None else round(float(share) * 100, 1)


def verified_of(
    uow: UnitOfWork, organization_id: str, source_id: str | None
) -> Sequence[VerifiedQuery]:
    """The verified queries in force, of sources that still exist."""
    existing = {source.source_id for source in uow.data_sources.list_all(organization_id)}
    found = uow.verified_queries.list_all(
        organization_id, source_id=source_id, status=VerifiedStatus.VERIFIED
    )
    return [query for query in found if query.source_id in existing]
