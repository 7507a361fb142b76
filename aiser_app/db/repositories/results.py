from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import Session, select

from aiser_app.db.models import ResultRow
from aiser_app.db.storable import storable
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.result import Result


class ResultRepository:
    """A result belongs to the run that made it, and is read only by that run's user."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, result: Result, *, run_id: str, user_id: str) -> None:
        self._session.add(
            ResultRow(
                result_id=result.result_id,
                organization_id=result.organization_id,
                user_id=user_id,
                run_id=run_id,
                source_id=result.source_id,
                envelope=storable(encode(result)),
                created_at=datetime.now(UTC),
            )
        )
        self._session.flush()

    def find_of_user(self, organization_id: str, user_id: str, result_id: str) -> Result | None:
        row = self._session.exec(
            select(ResultRow).where(
                ResultRow.result_id == result_id,
                ResultRow.organization_id == organization_id,
                ResultRow.user_id == user_id,
            )
        ).first()
        return decode(Result, row.envelope) if row else None
