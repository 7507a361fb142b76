from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from aiser_app.db.models import ResultRow, RunRow
from aiser_app.db.models.run import OPEN_STATUSES
from aiser_app.db.plain_rows import insert_row
from aiser_app.db.storable import storable
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.result import Result


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptResult:
    """What the clean-up needs to know of a result."""

    organization_id: str
    created_at: datetime
    is_in_use: bool
    """Its run has not ended."""


class ResultRepository:
    """A result belongs to the run that made it, and is read only by that run's user."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, result: Result, *, run_id: str, user_id: str) -> None:
        insert_row(
            self._session,
            ResultRow,
            result_id=result.result_id,
            organization_id=result.organization_id,
            user_id=user_id,
            run_id=run_id,
            source_id=result.source_id,
            envelope=storable(encode(result)),
            created_at=datetime.now(UTC),
        )

    def find_of_user(self, organization_id: str, user_id: str, result_id: str) -> Result | None:
        row = self._session.exec(
            select(ResultRow).where(
                ResultRow.result_id == result_id,
                ResultRow.organization_id == organization_id,
                ResultRow.user_id == user_id,
            )
        ).first()
        return decode(Result, row.envelope) if row else None

    def find_kept(self, result_ids: Sequence[str]) -> dict[str, KeptResult]:
        """Age and state by id, of any organization: for the clean-up alone."""
        rows = self._session.exec(
            select(
                ResultRow.result_id, ResultRow.organization_id, ResultRow.created_at, RunRow.status
            )
            .join(RunRow, col(RunRow.run_id) == col(ResultRow.run_id))
            .where(col(ResultRow.result_id).in_(result_ids))
        )
        return {
            result_id: KeptResult(
                organization_id=organization_id,
                created_at=created_at,
                is_in_use=status in OPEN_STATUSES,
            )
            for result_id, organization_id, created_at, status in rows
        }
