from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, delete, select

from aiser_app.db.models import AnswerFeedbackRow, VerifiedQueryRow
from aiser_app.db.storable import storable
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.domain.verified_query import (
    Feedback,
    FeedbackReason,
    Thumb,
    VerifiedQuery,
    VerifiedStatus,
)


class VerifiedQueryRepository:
    """Verified queries and the feedback that proposes them, always of one organization."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, query: VerifiedQuery) -> None:
        self._session.add(VerifiedQueryRow(**_columns(query)))
        self._session.flush()

    def replace(self, query: VerifiedQuery) -> None:
        """Write what is known of one that exists."""
        row = self._session.exec(
            select(VerifiedQueryRow).where(
                VerifiedQueryRow.verified_query_id == query.verified_query_id,
                VerifiedQueryRow.organization_id == query.organization_id,
            )
        ).one()
        for name, value in _columns(query).items():
            setattr(row, name, value)
        self._session.add(row)
        self._session.flush()

    def find(self, organization_id: str, verified_query_id: str) -> VerifiedQuery | None:
        """Locked until the transaction ends: two people may approve at the same time."""
        row = self._session.exec(
            select(VerifiedQueryRow)
            .where(
                VerifiedQueryRow.verified_query_id == verified_query_id,
                VerifiedQueryRow.organization_id == organization_id,
            )
            .with_for_update()
        ).first()
        return _query(row) if row else None

    def find_of_run(self, organization_id: str, run_id: str) -> VerifiedQuery | None:
        row = self._session.exec(
            select(VerifiedQueryRow).where(
                VerifiedQueryRow.run_id == run_id,
                VerifiedQueryRow.organization_id == organization_id,
            )
        ).first()
        return _query(row) if row else None

    def list_all(
        self,
        organization_id: str,
        *,
        source_id: str | None = None,
        status: VerifiedStatus | None = None,
    ) -> list[VerifiedQuery]:
        """By name."""
        wanted = select(VerifiedQueryRow).where(VerifiedQueryRow.organization_id == organization_id)
        if source_id is not None:
            wanted = wanted.where(VerifiedQueryRow.source_id == source_id)
        if status is not None:
            wanted = wanted.where(VerifiedQueryRow.status == status.value)
        rows = self._session.exec(
            wanted.order_by(col(VerifiedQueryRow.name), col(VerifiedQueryRow.verified_query_id))
        )
        return [_query(row) for row in rows]

    def delete(self, organization_id: str, verified_query_id: str) -> None:
        self._session.exec(
            delete(VerifiedQueryRow).where(
                col(VerifiedQueryRow.verified_query_id) == verified_query_id,
                col(VerifiedQueryRow.organization_id) == organization_id,
            )
        )

    def delete_of_source(self, organization_id: str, source_id: str) -> None:
        self._session.exec(
            delete(VerifiedQueryRow).where(
                col(VerifiedQueryRow.source_id) == source_id,
                col(VerifiedQueryRow.organization_id) == organization_id,
            )
        )

    def put_feedback(self, feedback: Feedback) -> None:
        """The last word on an answer is the one that is kept."""
        self._session.merge(
            AnswerFeedbackRow(
                run_id=feedback.run_id,
                organization_id=feedback.organization_id,
                user_id=feedback.user_id,
                thumb=feedback.thumb.value,
                reason=feedback.reason.value if feedback.reason else "",
                note=feedback.note,
                given_at=feedback.given_at,
            )
        )
        self._session.flush()

    def thumbs(self, organization_id: str, run_ids: list[str]) -> dict[str, Thumb]:
        """What was said of these runs, by id."""
        rows = self._session.exec(
            select(AnswerFeedbackRow.run_id, AnswerFeedbackRow.thumb).where(
                AnswerFeedbackRow.organization_id == organization_id,
                col(AnswerFeedbackRow.run_id).in_(run_ids),
            )
        )
        return {run_id: Thumb(thumb) for run_id, thumb in rows}

    def list_feedback(self, organization_id: str, limit: int) -> list[Feedback]:
        """Latest first."""
        rows = self._session.exec(
            select(AnswerFeedbackRow)
            .where(AnswerFeedbackRow.organization_id == organization_id)
            .order_by(col(AnswerFeedbackRow.given_at).desc(), col(AnswerFeedbackRow.run_id))
            .limit(limit)
        )
        return [
            Feedback(
                run_id=row.run_id,
                organization_id=row.organization_id,
                user_id=row.user_id,
                thumb=Thumb(row.thumb),
                reason=FeedbackReason(row.reason) if row.reason else None,
                note=row.note,
                given_at=row.given_at,
            )
            for row in rows
        ]


def _columns(query: VerifiedQuery) -> dict[str, Any]:
    meaning = storable(encode(query.semantic_query)) if query.semantic_query is not None else None
    return {
        "verified_query_id": query.verified_query_id,
        "organization_id": query.organization_id,
        "source_id": query.source_id,
        "name": query.name,
        "questions": list(query.questions),
        "semantic_query": meaning,
        "sql": query.sql,
        "status": query.status.value,
        "is_onboarding": query.is_onboarding,
        "proposed_by": query.proposed_by,
        "proposed_at": query.proposed_at,
        "run_id": query.run_id or None,
        "verified_by": query.verified_by or None,
        "verified_by_name": query.verified_by_name,
        "verified_at": query.verified_at,
    }


def _query(row: VerifiedQueryRow) -> VerifiedQuery:
    return VerifiedQuery(
        verified_query_id=row.verified_query_id,
        organization_id=row.organization_id,
        source_id=row.source_id,
        name=row.name,
        questions=tuple(row.questions),
        semantic_query=(
            decode(SemanticQuery, row.semantic_query) if row.semantic_query is not None else None
        ),
        sql=row.sql,
        status=VerifiedStatus(row.status),
        is_onboarding=row.is_onboarding,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        run_id=row.run_id or "",
        verified_by=row.verified_by or "",
        verified_by_name=row.verified_by_name,
        verified_at=row.verified_at,
    )
