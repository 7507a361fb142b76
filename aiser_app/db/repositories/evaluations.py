from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from aiser_app.db.models import EvaluationRow, RunRow
from aiser_app.db.models.run import OPEN_STATUSES
from aiser_app.db.storable import storable
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.evaluation import CaseScore, Evaluation
from aiser_app.domain.run import RunStatus


class EvaluationRepository:
    """Evaluations with the status of their runs, always of one organization."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, evaluation: Evaluation) -> None:
        self._session.add(
            EvaluationRow(
                evaluation_id=evaluation.evaluation_id,
                organization_id=evaluation.organization_id,
                run_id=evaluation.run_id,
                user_id=evaluation.user_id,
                started_by=evaluation.started_by,
                created_at=evaluation.created_at,
                case_count=evaluation.case_count,
            )
        )
        self._session.flush()

    def finish(self, run_id: str, summary: dict[str, Any], cases: Sequence[CaseScore]) -> None:
        """Write what came of it, in the transaction that ends its run."""
        self._session.exec(
            update(EvaluationRow)
            .where(col(EvaluationRow.run_id) == run_id)
            .values(
                summary=storable(summary),
                cases=storable([encode(case) for case in cases]),
                case_count=len(cases),
            )
        )

    def find(self, organization_id: str, evaluation_id: str) -> Evaluation | None:
        row = self._session.exec(
            select(EvaluationRow, RunRow)
            .join(RunRow, col(RunRow.run_id) == col(EvaluationRow.run_id))
            .where(
                EvaluationRow.evaluation_id == evaluation_id,
                EvaluationRow.organization_id == organization_id,
            )
        ).first()
        if row is None:
            return None
        found, run = row
        cases = tuple(decode(CaseScore, case) for case in found.cases)
        return _evaluation(found, run.status, run.finished_at, run.failure, cases)

    def list_all(self, organization_id: str, limit: int) -> list[Evaluation]:
        """Latest first, without their cases."""
        rows = self._session.exec(
            select(EvaluationRow, RunRow.status, RunRow.finished_at, RunRow.failure)
            .join(RunRow, col(RunRow.run_id) == col(EvaluationRow.run_id))
            .where(EvaluationRow.organization_id == organization_id)
            .order_by(col(EvaluationRow.created_at).desc(), col(EvaluationRow.evaluation_id))
            .limit(limit)
        )
        return [_evaluation(found, *rest) for found, *rest in rows]

    def has_open(self, organization_id: str) -> bool:
        """Whether one has not ended."""
        found = self._session.exec(
            select(EvaluationRow.evaluation_id)
            .join(RunRow, col(RunRow.run_id) == col(EvaluationRow.run_id))
            .where(
                EvaluationRow.organization_id == organization_id,
                col(RunRow.status).in_(OPEN_STATUSES),
            )
        ).first()
        return found is not None


def _evaluation(
    row: EvaluationRow,
    status: str,
    finished_at: datetime | None,
    failure: dict[str, Any] | None,
    cases: tuple[CaseScore, ...] = (),
) -> Evaluation:
    return Evaluation(
        evaluation_id=row.evaluation_id,
        organization_id=row.organization_id,
        run_id=row.run_id,
        user_id=row.user_id,
        started_by=row.started_by,
        created_at=row.created_at,
        status=RunStatus(status),
        finished_at=finished_at,
        failure=str(failure.get("message", "")) if failure else "",
        case_count=row.case_count,
        summary=row.summary,
        cases=cases,
    )
