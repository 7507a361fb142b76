"""Asking: writes the turn and its run, and hands the run to a worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.broker.job_queue import JobName, JobQueue
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.identifiers import new_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.conversation import Conversation
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.permission import Permission
from aiser_app.domain.run import EventKind, Run, RunStatus
from aiser_app.errors import NotFound, TooManyAttempts
from aiser_app.services.conversations import find_conversation, owner_of
from aiser_app.services.run_lifecycle import job_id_of
from aiser_app.services.sources import find_source
from aiser_app.services.text_input import checked_question, title_of

MAX_OPEN_RUNS = 5
"""Of one user: one person with a script cannot keep all workers from the others."""
JOB_SLACK_SECONDS = 30
"""The queue stops a job this long after the run's own deadline: only if all else failed."""


class Chat:
    def __init__(
        self,
        engine: Engine,
        *,
        queue: JobQueue,
        events: RunEventLog,
        question_max_chars: int,
        deadline_seconds: int,
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._events = events
        self._question_max_chars = question_max_chars
        self._deadline = timedelta(seconds=deadline_seconds)

    def ask(
        self,
        actor: Actor,
        question: str,
        *,
        source: str | None = None,
        conversation_id: str | None = None,
    ) -> Run:
        """Queue the question and return at once.

        While Redis is down the run is kept and waits: the scheduler enqueues it later, or ends it
        at its deadline.

        Raises:
            InvalidInput: empty, too long, or not text.
            NotFound: the source or the conversation is unknown, or somebody else's.
            TooManyAttempts: the user has too many questions open.
        """
        require(actor, Permission.QUESTIONS_ASK)
        text = checked_question(question, self._question_max_chars)
        now = datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            uow.users.lock(actor.organization_id, actor.user_id)
            if uow.runs.count_open_of_user(actor.organization_id, actor.user_id) >= MAX_OPEN_RUNS:
                raise TooManyAttempts(
                    f"You have {MAX_OPEN_RUNS} questions open.",
                    hint="Wait for an answer, or stop one.",
                )
            conversation = (
                find_conversation(uow, actor, conversation_id, lock=True)
                if conversation_id is not None
                else None
            )
            data_source = _choose_source(uow, actor, source, conversation)
            if conversation is None:
                conversation = _begin(uow, actor, text, data_source, now)
            else:
                uow.conversations.touch(
                    owner_of(actor),
                    conversation.conversation_id,
                    source_id=data_source.source_id,
                    now=now,
                )
            run = self._add_run(uow, conversation, data_source, text, now)
            uow.after_commit(lambda: self._announce(run))
            uow.commit()
        return run

    def _add_run(
        self,
        uow: UnitOfWork,
        conversation: Conversation,
        source: DataSource,
        question: str,
        now: datetime,
    ) -> Run:
        run = Run(
            run_id=new_id(),
            organization_id=conversation.organization_id,
            user_id=conversation.user_id,
            conversation_id=conversation.conversation_id,
            turn_id=new_id(),
            source_id=source.source_id,
            question=question,
            status=RunStatus.QUEUED,
            attempts=0,
            created_at=now,
            deadline_at=now + self._deadline,
        )
        uow.turns.add(
            turn_id=run.turn_id,
            organization_id=run.organization_id,
            conversation_id=run.conversation_id,
            question=question,
            created_at=now,
        )
        uow.runs.add(run)
        return run

    def _announce(self, run: Run) -> None:
        self._events.append(run.run_id, EventKind.QUEUED, {"question": run.question})
        self._queue.enqueue(
            JobName.ANSWER_QUESTION,
            {"run_id": run.run_id},
            job_id=job_id_of(run),
            timeout_seconds=int(self._deadline.total_seconds()) + JOB_SLACK_SECONDS,
        )


def _choose_source(
    uow: UnitOfWork, actor: Actor, named: str | None, conversation: Conversation | None
) -> DataSource:
    if named is not None:
        return find_source(uow, actor.organization_id, named)
    if conversation is not None:
        return find_source(uow, actor.organization_id, conversation.source_id)
    sources = uow.data_sources.list_all(actor.organization_id)
    if not sources:
        raise NotFound("There is no data source yet.", hint="Add one, or the sample.")
    return sources[0]


def _begin(
    uow: UnitOfWork, actor: Actor, question: str, source: DataSource, now: datetime
) -> Conversation:
    conversation = Conversation(
        conversation_id=new_id(),
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        title=title_of(question),
        source_id=source.source_id,
        created_at=now,
        updated_at=now,
    )
    uow.conversations.add(conversation)
    return conversation
