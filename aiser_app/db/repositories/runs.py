"""Runs change by compare-and-set on (status, attempts): whoever comes second changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, update
from sqlmodel import Session, col, select

from aiser_app.db.models import RunRow
from aiser_app.db.models.run import OPEN_STATUSES
from aiser_app.db.plain_rows import insert_row, table_of
from aiser_app.db.storable import storable
from aiser_app.domain.answer import Answer
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.run import Run, RunFailure, RunKind, RunStatus
from aiser_app.errors import NotFound


class RunRepository:
    """People's reads go through `find_of_user`.

    The methods without an organization are for workers and the reaper, which act for nobody.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run: Run) -> None:
        insert_row(
            self._session,
            RunRow,
            run_id=run.run_id,
            organization_id=run.organization_id,
            user_id=run.user_id,
            kind=run.kind.value,
            conversation_id=run.conversation_id or None,
            turn_id=run.turn_id or None,
            source_id=run.source_id,
            question=run.question,
            request=storable(dict(run.request)) if run.request else None,
            status=run.status.value,
            attempts=run.attempts,
            created_at=run.created_at,
            deadline_at=run.deadline_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            outcome=storable(dict(run.outcome)) if run.outcome is not None else None,
            steps=[],
        )

    def find_of_user(self, organization_id: str, user_id: str, run_id: str) -> Run | None:
        row = self._session.exec(
            select(RunRow).where(
                RunRow.run_id == run_id,
                RunRow.organization_id == organization_id,
                RunRow.user_id == user_id,
            )
        ).first()
        return run_of(row) if row else None

    def count_open_of_user(
        self, organization_id: str, user_id: str, kind: RunKind = RunKind.ASK
    ) -> int:
        return self._session.exec(
            select(func.count())
            .select_from(RunRow)
            .where(
                col(RunRow.organization_id) == organization_id,
                col(RunRow.user_id) == user_id,
                col(RunRow.kind) == kind.value,
                col(RunRow.status).in_(OPEN_STATUSES),
            )
        ).one()

    def has_open(self, source_id: str, kind: RunKind) -> bool:
        """Whether a run of that kind on that source has not ended."""
        return (
            self._session.exec(
                select(RunRow.run_id).where(
                    RunRow.source_id == source_id,
                    RunRow.kind == kind.value,
                    col(RunRow.status).in_(OPEN_STATUSES),
                )
            ).first()
            is not None
        )

    def get(self, run_id: str) -> Run:
        """Raises `NotFound`."""
        run = self.find(run_id)
        if run is None:
            raise NotFound("There is no such run.")
        return run

    def find(self, run_id: str) -> Run | None:
        row = self._session.get(RunRow, run_id, populate_existing=True)
        return run_of(row) if row else None

    def claim(self, run_id: str, worker: str, now: datetime) -> Run | None:
        """Queued → running, one attempt more; None when somebody else was first or it has ended."""
        return self._change(
            run_id,
            from_statuses=("queued",),
            attempt=None,
            values={
                "status": RunStatus.RUNNING.value,
                "attempts": RunRow.attempts + 1,
                "worker": worker[:200],
                "started_at": func.coalesce(col(RunRow.started_at), now),
            },
        )

    def finish(
        self,
        run_id: str,
        attempt: int,
        *,
        status: RunStatus,
        answer: Answer | None = None,
        failure: RunFailure | None = None,
        outcome: Mapping[str, Any] | None = None,
        steps: Sequence[dict[str, Any]] = (),
        now: datetime | None = None,
    ) -> bool:
        """Open → final, once. False when it has ended already, or another attempt has begun."""
        if not status.is_final:
            raise ValueError(f"{status.value} is not a final status.")
        changed = self._change(
            run_id,
            from_statuses=OPEN_STATUSES,
            attempt=attempt,
            values={
                "status": status.value,
                "answer": storable(encode(answer)) if answer else None,
                "failure": storable(encode(failure)) if failure else None,
                "outcome": storable(dict(outcome)) if outcome is not None else None,
                "steps": storable(list(steps)),
                "finished_at": now or datetime.now(UTC),
            },
        )
        return changed is not None

    def requeue(self, run_id: str, attempt: int) -> bool:
        """Running → queued, for the one retry of a run whose worker died."""
        changed = self._change(
            run_id,
            from_statuses=("running",),
            attempt=attempt,
            values={"status": RunStatus.QUEUED.value, "worker": None},
        )
        return changed is not None

    def cancel_queued(self, run_id: str, now: datetime) -> bool:
        """Queued → cancelled; False when a worker has begun, or it has ended."""
        changed = self._change(
            run_id,
            from_statuses=("queued",),
            attempt=None,
            values={"status": RunStatus.CANCELLED.value, "finished_at": now},
        )
        return changed is not None

    def list_open(self) -> list[Run]:
        """Every run that has not ended, oldest first, of all organizations."""
        rows = self._session.exec(
            select(RunRow)
            .where(col(RunRow.status).in_(OPEN_STATUSES))
            .order_by(col(RunRow.created_at))
        )
        return [run_of(row) for row in rows]

    def _change(
        self,
        run_id: str,
        *,
        from_statuses: Sequence[str],
        attempt: int | None,
        values: dict[str, Any],
    ) -> Run | None:
        runs = table_of(RunRow)
        statement = (
            update(runs)
            .where(runs.c.run_id == run_id, runs.c.status.in_(from_statuses))
            .values(**values)
            .returning(*runs.columns)
        )
        if attempt is not None:
            statement = statement.where(runs.c.attempts == attempt)
        row = self._session.connection().execute(statement).first()
        return run_of(row) if row else None


def run_of(row: RunRow | Row[Any]) -> Run:
    return Run(
        run_id=row.run_id,
        organization_id=row.organization_id,
        user_id=row.user_id,
        kind=RunKind(row.kind),
        conversation_id=row.conversation_id or "",
        turn_id=row.turn_id or "",
        request=row.request or {},
        outcome=row.outcome,
        source_id=row.source_id,
        question=row.question,
        status=RunStatus(row.status),
        attempts=row.attempts,
        created_at=row.created_at,
        deadline_at=row.deadline_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        answer=decode(Answer, row.answer) if row.answer else None,
        failure=decode(RunFailure, row.failure) if row.failure else None,
        steps=tuple(row.steps),
    )
