"""Verified queries: written or proposed, approved by people who may, used until they are retired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.db.identifiers import is_id, new_id
from aiser_app.db.repositories.audit_events import AuditEvent
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.permission import Permission
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.domain.verified_query import VerifiedQuery, VerifiedStatus
from aiser_app.errors import Conflict, InvalidInput, NotFound, QueryDenied
from aiser_app.reasoning.matching import (
    has_fixed_dates,
    has_words,
    same_question,
    says_moving_time,
    tells_only_known,
)
from aiser_app.services.grants import policies_of, query_source
from aiser_app.services.model_cache import ModelCache
from aiser_app.services.queries import QueryInput
from aiser_app.services.sources import find_source
from aiser_app.services.text_input import checked_name, checked_question, refuse_binary

MAX_OF_SOURCE = 1_000
"""Every question is compared with all of them: this takes some ten milliseconds then."""
MAX_QUESTIONS = 20
"""Ways to ask one verified query."""
QUESTION_MAX_CHARS = 1_000
SQL_MAX_CHARS = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedInput:
    """What is given is written; None stays as it is, or is empty in a new one."""

    name: str | None = None
    questions: Sequence[str] | None = None
    semantic_query: SemanticQuery | None = None
    sql: str | None = None
    is_onboarding: bool | None = None


class VerifiedQueries:
    def __init__(
        self, engine: Engine, *, check_query: Callable[[Actor, QueryInput], dict[str, Any]]
    ) -> None:
        """`check_query` compiles a query and puts it before the guard, without running it."""
        self._engine = engine
        self._check_query = check_query
        self._models = ModelCache()

    def list(
        self, actor: Actor, *, source: str | None = None, status: VerifiedStatus | None = None
    ) -> Sequence[VerifiedQuery]:
        """By name; not those that would tell the actor of values that policies hide."""
        require(actor, Permission.QUESTIONS_ASK)
        with UnitOfWork(self._engine) as uow:
            source_id = None
            if source is not None:
                source_id = find_source(uow, actor.organization_id, source).source_id
            found = uow.verified_queries.list_all(
                actor.organization_id, source_id=source_id, status=status
            )
            return self.visible(uow, actor, found)

    def get(self, actor: Actor, verified_query_id: str) -> VerifiedQuery:
        """Raises `NotFound`, also for one of another organization."""
        require(actor, Permission.QUESTIONS_ASK)
        with UnitOfWork(self._engine) as uow:
            return self._found(uow, actor, verified_query_id)

    def create(
        self, actor: Actor, source: str, given: VerifiedInput, *, approve: bool = False
    ) -> VerifiedQuery:
        """Write one by hand, as a proposal or approved at once.

        Raises:
            InvalidInput, QueryInvalid, QueryDenied: it could not be used as it is.
            Conflict: one of its questions is verified already, as another query.
        """
        require(actor, Permission.VERIFIED_QUERIES_MANAGE)
        now = datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            found = find_source(uow, actor.organization_id, source)
        query = _with(
            VerifiedQuery(
                verified_query_id=new_id(),
                organization_id=actor.organization_id,
                source_id=found.source_id,
                name="",
                questions=(),
                proposed_by=actor.user_id,
                proposed_at=now,
            ),
            given,
        )
        if approve:
            query = _stamped(query, actor, now)
        self._check(actor, found, query)
        with UnitOfWork(self._engine) as uow:
            if len(
                uow.verified_queries.list_all(actor.organization_id, source_id=query.source_id)
            ) >= (MAX_OF_SOURCE):
                raise InvalidInput(f"A source has at most {MAX_OF_SOURCE:,} verified queries.")
            _refuse_double(uow, query)
            uow.verified_queries.add(query)
            kind = "verified_query.approved" if approve else "verified_query.proposed"
            uow.audit_events.add(event_of(actor, kind, query, now))
            uow.commit()
        return query

    def change(self, actor: Actor, verified_query_id: str, given: VerifiedInput) -> VerifiedQuery:
        """Edit one; whoever changes what a verified one means or answers has verified that.

        Raises as `create`.
        """
        return self._changed(actor, verified_query_id, given, "verified_query.changed")

    def approve(
        self, actor: Actor, verified_query_id: str, given: VerifiedInput | None = None
    ) -> VerifiedQuery:
        """From now on it answers its questions, and is a case of every evaluation.

        Raises as `create`.
        """
        return self._changed(
            actor,
            verified_query_id,
            given or VerifiedInput(),
            "verified_query.approved",
            status=VerifiedStatus.VERIFIED,
        )

    def retire(self, actor: Actor, verified_query_id: str) -> VerifiedQuery:
        """It is not used any more, and can be approved again."""
        return self._changed(
            actor,
            verified_query_id,
            VerifiedInput(),
            "verified_query.retired",
            status=VerifiedStatus.RETIRED,
        )

    def delete(self, actor: Actor, verified_query_id: str) -> None:
        """Gone for good; what answers were made with it stays with them."""
        require(actor, Permission.VERIFIED_QUERIES_MANAGE)
        now = datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            query = self._found(uow, actor, verified_query_id)
            uow.verified_queries.delete(actor.organization_id, query.verified_query_id)
            uow.audit_events.add(event_of(actor, "verified_query.deleted", query, now))
            uow.commit()

    def visible(
        self, uow: UnitOfWork, actor: Actor, queries: Sequence[VerifiedQuery]
    ) -> Sequence[VerifiedQuery]:
        """Without those that name values which policies hide from the actor, unless they are theirs."""
        shown: list[VerifiedQuery] = []
        by_source: dict[str, list[VerifiedQuery]] = {}
        for query in queries:
            by_source.setdefault(query.source_id, []).append(query)
        for source_id, items in by_source.items():
            source = uow.data_sources.find(actor.organization_id, source_id)
            if source is None:
                continue
            if policies_of(uow, actor, source).is_empty:
                shown += items
                continue
            model = self._models.find_latest(uow, actor.organization_id, source_id)
            if model is None:
                continue
            seen = self._models.as_seen(model, query_source(uow, actor, source, model))
            shown += [
                q for q in items if q.proposed_by == actor.user_id or tells_only_known(q, seen)
            ]
        return sorted(shown, key=lambda query: (query.name, query.verified_query_id))

    def _changed(
        self,
        actor: Actor,
        verified_query_id: str,
        given: VerifiedInput,
        kind: str,
        status: VerifiedStatus | None = None,
    ) -> VerifiedQuery:
        require(actor, Permission.VERIFIED_QUERIES_MANAGE)
        now = datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            old = self._found(uow, actor, verified_query_id)
            source = find_source(uow, actor.organization_id, old.source_id)
        query = replace(_with(old, given), status=status or old.status)
        if query.status is VerifiedStatus.VERIFIED and (status or _meaning(query) != _meaning(old)):
            query = _stamped(query, actor, now)
        if query.status is not VerifiedStatus.RETIRED:
            self._check(actor, source, query)
        with UnitOfWork(self._engine) as uow:
            self._found(uow, actor, verified_query_id)
            _refuse_double(uow, query)
            uow.verified_queries.replace(query)
            uow.audit_events.add(event_of(actor, kind, query, now))
            uow.commit()
        return query

    def _found(self, uow: UnitOfWork, actor: Actor, verified_query_id: str) -> VerifiedQuery:
        query = None
        if is_id(verified_query_id):
            query = uow.verified_queries.find(actor.organization_id, verified_query_id)
        if query is None or not self.visible(uow, actor, [query]):
            raise NotFound("There is no such verified query.")
        return query

    def _check(self, actor: Actor, source: DataSource, query: VerifiedQuery) -> None:
        """Raise for a query that could not answer its questions."""
        if query.semantic_query is None and not query.sql:
            raise InvalidInput("Give either semantic_query or sql.")
        if query.status is VerifiedStatus.VERIFIED and not query.questions:
            raise InvalidInput(
                "It has no question yet.",
                hint="It was proposed from a follow-up: write the question so that it stands alone.",
            )
        moving = [question for question in query.questions if says_moving_time(question)]
        if moving and query.sql and has_fixed_dates(query.sql):
            raise InvalidInput(
                f"“{moving[0][:120]}” means other dates every day, and the SQL has fixed ones.",
                hint="Write CURRENT_DATE in place of the dates.",
            )
        verdict = self._check_query(
            actor,
            QueryInput(
                sources=[source.source_id],
                sql=query.sql or None,
                semantic_query=query.semantic_query,
                purpose="check",
            ),
        )
        if not verdict["is_allowed"]:
            error = verdict["error"]
            raise QueryDenied(str(error["message"]), hint=error.get("hint"))


def event_of(actor: Actor, kind: str, query: VerifiedQuery, now: datetime) -> AuditEvent:
    return AuditEvent(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        kind=kind,
        subject=query.name,
        at=now,
        detail={"verified_query_id": query.verified_query_id, "source_id": query.source_id},
    )


def _with(query: VerifiedQuery, given: VerifiedInput) -> VerifiedQuery:
    """The query with what is given, checked."""
    if given.semantic_query is not None and given.sql:
        raise InvalidInput("Give either semantic_query or sql.")
    if given.questions is not None:
        query = replace(query, questions=_questions(given.questions))
    name = given.name if given.name is not None else query.name
    if not name and query.questions:
        name = query.questions[0][:200]
    query = replace(query, name=checked_name(name, "The name"))
    if given.semantic_query is not None:
        query = replace(query, semantic_query=given.semantic_query, sql="")
    if given.sql:
        if len(given.sql) > SQL_MAX_CHARS:
            raise InvalidInput(f"The SQL has at most {SQL_MAX_CHARS:,} characters.")
        refuse_binary(given.sql.replace("\r\n", "\n"), "The SQL")
        query = replace(query, sql=given.sql.strip(), semantic_query=None)
    if given.is_onboarding is not None:
        query = replace(query, is_onboarding=given.is_onboarding)
    return query


def _questions(given: Sequence[str]) -> tuple[str, ...]:
    if len(given) > MAX_QUESTIONS:
        raise InvalidInput(f"A verified query has at most {MAX_QUESTIONS} questions.")
    found: list[str] = []
    for text in given:
        question = " ".join(checked_question(text, QUESTION_MAX_CHARS).split())
        if not has_words(question):
            raise InvalidInput("A question has no words.", hint="Write what people ask.")
        if not any(same_question(question, known) for known in found):
            found.append(question)
    return tuple(found)


def _meaning(query: VerifiedQuery) -> tuple[object, ...]:
    return (query.questions, query.semantic_query, query.sql)


def _stamped(query: VerifiedQuery, actor: Actor, now: datetime) -> VerifiedQuery:
    return replace(
        query,
        status=VerifiedStatus.VERIFIED,
        verified_by=actor.user_id,
        verified_by_name=actor.name[:200],
        verified_at=now,
    )


def _refuse_double(uow: UnitOfWork, query: VerifiedQuery) -> None:
    """A question has one answer: two verified queries may not both claim it."""
    if query.status is not VerifiedStatus.VERIFIED:
        return
    others = uow.verified_queries.list_all(
        query.organization_id, source_id=query.source_id, status=VerifiedStatus.VERIFIED
    )
    for other in others:
        if other.verified_query_id == query.verified_query_id:
            continue
        for question in query.questions:
            if any(same_question(question, known) for known in other.questions):
                raise Conflict(
                    f"“{question[:120]}” is verified already, as “{other.name[:120]}”.",
                    hint="Edit that one, or retire it first.",
                )
