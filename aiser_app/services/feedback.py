"""Thumbs on answers: one up proposes a verified query, one down says why it was not right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.db.identifiers import is_id, new_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.permission import Permission
from aiser_app.domain.run import Run, RunKind, RunStatus
from aiser_app.domain.verified_query import (
    Feedback,
    FeedbackReason,
    Thumb,
    VerifiedQuery,
    VerifiedStatus,
)
from aiser_app.errors import InvalidInput, NotFound
from aiser_app.planner.plan import plan
from aiser_app.planner.reading import Reading
from aiser_app.reasoning.matching import has_words, same_question
from aiser_app.services.grants import query_source
from aiser_app.services.model_cache import ModelCache
from aiser_app.services.text_input import refuse_binary, title_of
from aiser_app.services.verified_queries import MAX_OF_SOURCE, QUESTION_MAX_CHARS, event_of

NOTE_MAX_CHARS = 2_000


class Feedbacks:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._models = ModelCache()

    def rate(
        self,
        actor: Actor,
        run_id: str,
        thumb: Thumb,
        *,
        reason: FeedbackReason | None = None,
        note: str = "",
    ) -> VerifiedQuery | None:
        """Keep what the person who asked says; returns what that proposes, if anything.

        A thumb down after one up takes the proposal back, unless somebody has approved it.

        Raises:
            NotFound: there is no such run, or it is somebody else's.
            InvalidInput: the run has no answer, or the note is too long.
        """
        require(actor, Permission.CONVERSATIONS_READ)
        if len(note) > NOTE_MAX_CHARS:
            raise InvalidInput(f"A note has at most {NOTE_MAX_CHARS:,} characters.")
        refuse_binary(note, "The note")
        now = datetime.now(UTC)
        proposed: VerifiedQuery | None = None
        with UnitOfWork(self._engine) as uow:
            run = self._answered(uow, actor, run_id)
            uow.verified_queries.put_feedback(
                Feedback(
                    run_id=run.run_id,
                    organization_id=actor.organization_id,
                    user_id=actor.user_id,
                    thumb=thumb,
                    reason=reason if thumb is Thumb.DOWN else None,
                    note=note.strip(),
                    given_at=now,
                )
            )
            if thumb is Thumb.UP and actor.may(Permission.QUESTIONS_ASK):
                proposed = self._propose(uow, actor, run, now)
            elif thumb is Thumb.DOWN:
                _take_back(uow, actor, run, now)
            uow.commit()
        return proposed

    def thumbs(self, actor: Actor, run_ids: Sequence[str]) -> dict[str, Thumb]:
        """What was said of these answers, by run."""
        require(actor, Permission.CONVERSATIONS_READ)
        with UnitOfWork(self._engine) as uow:
            return uow.verified_queries.thumbs(actor.organization_id, list(run_ids))

    def list(self, actor: Actor, limit: int = 200) -> list[Feedback]:
        """Latest first, of everybody: for those who mend what was wrong."""
        require(actor, Permission.VERIFIED_QUERIES_MANAGE)
        with UnitOfWork(self._engine) as uow:
            return uow.verified_queries.list_feedback(actor.organization_id, limit)

    @staticmethod
    def _answered(uow: UnitOfWork, actor: Actor, run_id: str) -> Run:
        run = None
        if is_id(run_id):
            run = uow.runs.find_of_user(actor.organization_id, actor.user_id, run_id)
        if run is None or run.kind is not RunKind.ASK:
            raise NotFound("There is no such run.")
        if run.status is not RunStatus.ANSWERED:
            raise InvalidInput("This question has no answer that could be judged.")
        return run

    def _propose(
        self, uow: UnitOfWork, actor: Actor, run: Run, now: datetime
    ) -> VerifiedQuery | None:
        """The proposal of this answer; None when it is verified already, or has no query."""
        uow.users.lock(actor.organization_id, actor.user_id)
        earlier = uow.verified_queries.find_of_run(actor.organization_id, run.run_id)
        if earlier is not None:
            return earlier
        answer = run.answer
        if answer is None or answer.verified is not None or not answer.result_ids:
            return None
        sql = ""
        if answer.semantic_query is None:
            result = uow.results.find_of_user(
                actor.organization_id, actor.user_id, answer.result_ids[0]
            )
            if result is None or result.policies:
                return None  # what the policies added is part of the SQL that ran
            sql = result.sql
        known = uow.verified_queries.list_all(actor.organization_id, source_id=run.source_id)
        questions = self._questions(uow, actor, run)
        if len(known) >= MAX_OF_SOURCE or _is_known(known, questions, run, sql):
            return None
        proposed = VerifiedQuery(
            verified_query_id=new_id(),
            organization_id=actor.organization_id,
            source_id=run.source_id,
            name=title_of(run.question, 200),
            questions=questions,
            semantic_query=answer.semantic_query,
            sql=sql,
            proposed_by=actor.user_id,
            proposed_at=now,
            run_id=run.run_id,
        )
        uow.verified_queries.add(proposed)
        uow.audit_events.add(event_of(actor, "verified_query.proposed", proposed, now))
        return proposed

    def _questions(self, uow: UnitOfWork, actor: Actor, run: Run) -> tuple[str, ...]:
        """The question, if it says by itself what was answered; not so “now by month”."""
        question = " ".join(run.question.split())
        if len(question) > QUESTION_MAX_CHARS or not has_words(question):
            return ()
        turns = uow.turns.list_all(run.organization_id, run.conversation_id)
        if turns and min(turns, key=lambda turn: turn.position).run.run_id == run.run_id:
            return (question,)
        source = uow.data_sources.find(run.organization_id, run.source_id)
        model = self._models.find_latest(uow, run.organization_id, run.source_id)
        if source is None or model is None or run.answer is None:
            return ()
        seen = self._models.as_seen(model, query_source(uow, actor, source, model))
        alone = plan(question, seen, today=run.created_at.date())
        stands_alone = isinstance(alone, Reading) and alone.query == run.answer.semantic_query
        return (question,) if stands_alone else ()


def _is_known(
    known: Sequence[VerifiedQuery], questions: tuple[str, ...], run: Run, sql: str
) -> bool:
    """Whether the same question is there with the same meaning, proposed or verified."""
    meaning = run.answer.semantic_query if run.answer else None
    return any(
        query.status is not VerifiedStatus.RETIRED
        and (query.semantic_query, query.sql) == (meaning, sql)
        and any(same_question(own, other) for own in questions for other in query.questions)
        for query in known
    )


def _take_back(uow: UnitOfWork, actor: Actor, run: Run, now: datetime) -> None:
    proposed = uow.verified_queries.find_of_run(actor.organization_id, run.run_id)
    if proposed is not None and proposed.status is VerifiedStatus.PROPOSED:
        uow.verified_queries.delete(actor.organization_id, proposed.verified_query_id)
        uow.audit_events.add(event_of(actor, "verified_query.deleted", proposed, now))
