"""Questions to begin with: what people verified for it, then what was tried and returned rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from aiser_app.broker.job_queue import JobQueue
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.identifiers import new_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.permission import Permission
from aiser_app.domain.run import EventKind, Run, RunKind, RunStatus
from aiser_app.domain.verified_query import VerifiedQuery, VerifiedStatus
from aiser_app.reasoning.matching import same_question
from aiser_app.services.run_lifecycle import enqueue_run
from aiser_app.services.sources import Sources

SHOWN = 6
SEED_SECONDS = 300
"""Deadline of a try, waiting for a worker included."""


class Suggestions:
    def __init__(
        self,
        engine: Engine,
        *,
        sources: Sources,
        visible: Callable[[UnitOfWork, Actor, Sequence[VerifiedQuery]], Sequence[VerifiedQuery]],
        queue: JobQueue,
        events: RunEventLog,
    ) -> None:
        """`visible` leaves out verified queries that would tell the actor what policies hide."""
        self._engine = engine
        self._sources = sources
        self._visible = visible
        self._queue = queue
        self._events = events
        self._tried: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    def questions(self, actor: Actor, source_id: str) -> tuple[str, ...]:
        """Up to six, all different. Raises `NotFound`.

        What was not tried yet with this version of the model is shown as the planner made it, and a
        worker is asked to try it.
        """
        source = self._sources.get(actor, source_id)
        with UnitOfWork(self._engine) as uow:
            version = uow.semantic_models.find_latest_version(
                actor.organization_id, source.source_id
            )
            verified = uow.verified_queries.list_all(
                actor.organization_id, source_id=source.source_id, status=VerifiedStatus.VERIFIED
            )
            shown = self._visible(uow, actor, [query for query in verified if query.is_onboarding])
            tried = uow.seed_questions.find(actor.organization_id, source.source_id, version)
        if tried is None:
            tried = self._sources.suggested_questions(actor, source.source_id)
            self._try(actor, source.source_id, version)
        return _different([*(query.questions[0] for query in shown if query.questions), *tried])

    def _try(self, actor: Actor, source_id: str, version: int) -> None:
        """Once per version and process: a source that cannot be read is not tried for every page."""
        with self._lock:
            if (source_id, version) in self._tried or not actor.may(Permission.QUESTIONS_ASK):
                return
            self._tried.add((source_id, version))
        with UnitOfWork(self._engine) as uow:
            if uow.runs.has_open(source_id, RunKind.SEED):
                return
            add_seed_run(
                uow,
                organization_id=actor.organization_id,
                user_id=actor.user_id,
                source_id=source_id,
                queue=self._queue,
                events=self._events,
            )
            uow.commit()


def add_seed_run(
    uow: UnitOfWork,
    *,
    organization_id: str,
    user_id: str,
    source_id: str,
    queue: JobQueue,
    events: RunEventLog,
) -> Run:
    """A run that tries the questions of a source; it is enqueued once the transaction is committed."""
    now = datetime.now(UTC)
    run = Run(
        run_id=new_id(),
        organization_id=organization_id,
        user_id=user_id,
        source_id=source_id,
        kind=RunKind.SEED,
        status=RunStatus.QUEUED,
        attempts=0,
        created_at=now,
        deadline_at=now + timedelta(seconds=SEED_SECONDS),
    )

    def announce() -> None:
        events.append(run.run_id, EventKind.QUEUED, {})
        enqueue_run(queue, run, SEED_SECONDS)

    uow.runs.add(run)
    uow.after_commit(announce)
    return run


def _different(questions: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for question in questions:
        if len(found) < SHOWN and not any(same_question(question, known) for known in found):
            found.append(question)
    return tuple(found)
