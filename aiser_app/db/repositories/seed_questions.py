from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select

from aiser_app.db.models import SeedQuestionsRow


class SeedQuestionRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def put(
        self,
        organization_id: str,
        source_id: str,
        *,
        model_version: int,
        questions: Sequence[str],
        now: datetime,
    ) -> None:
        """In place of what was checked before."""
        self._session.merge(
            SeedQuestionsRow(
                source_id=source_id,
                organization_id=organization_id,
                model_version=model_version,
                questions=list(questions),
                checked_at=now,
            )
        )
        self._session.flush()

    def find(
        self, organization_id: str, source_id: str, model_version: int
    ) -> tuple[str, ...] | None:
        """What was checked with that version of the model; None when it was not."""
        row = self._session.exec(
            select(SeedQuestionsRow).where(
                SeedQuestionsRow.source_id == source_id,
                SeedQuestionsRow.organization_id == organization_id,
                SeedQuestionsRow.model_version == model_version,
            )
        ).first()
        return tuple(row.questions) if row else None

    def delete_of_source(self, organization_id: str, source_id: str) -> None:
        self._session.exec(
            delete(SeedQuestionsRow).where(
                col(SeedQuestionsRow.source_id) == source_id,
                col(SeedQuestionsRow.organization_id) == organization_id,
            )
        )
