"""Runs change by compare-and-set on (status, attempts): whoever comes second changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Update, func
from sqlmodel import Session, col, select

from aiser_app.db.models import RunRow
from aiser_app.db.models.run import OPEN_STATUSES
from aiser_app.db.plain_rows import insert_row, run_plain
from aiser_app.db.repositories import run_statements as st
from aiser_app.db.storable import storable
from aiser_app.domain.answer import Answer
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.result import Result
from aiser_app.domain.run import Run, RunFailure, RunKind, RunStatus
from aiser_app.errors import NotFound


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeRun:
    """A run with what is shown of it: the name of its source, and its first result."""

    run: Run
    source_name: str | None
    result: Result | None


class RunRepository:
    """People's reads go through `find_of_user`.

    The methods without an organization are for workers and the reaper, which act for nobody.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run: Run) -> None:
        insert_row(self._session, RunRow, **_values(run))

    def add_counting(self, run: Run) -> int:
        """Add it; returns how many of its kind the user had open, in the same call.

        Exact when the user was locked before.
        """
        added = run_plain(
            self._session,
            st.ADD_COUNTING,
            **_values(run),
            of_user=run.user_id,
            of_organization=run.organization_id,
            of_kind=run.kind.value,
        )
        return int(added.scalar_one())

    def find_whole(self, organization_id: str, user_id: str, run_id: str) -> WholeRun | None:
        """All that is shown of a run, in one call."""
        row = run_plain(
            self._session,
            st.FIND_WHOLE,
            which=run_id,
            organization_id=organization_id,
            user_id=user_id,
        ).first()
        if row is None:
            return None
        return WholeRun(
            run=run_of(row),
            source_name=row.source_name,
            result=decode(Result, row.envelope) if row.envelope else None,
        )

    def find_of_user(self, organization_id: str, user_id: str, run_id: str) -> Run | None:
        row = run_plain(
            self._session,
            st.FIND_OF_USER,
            which=run_id,
            organization_id=organization_id,
            user_id=user_id,
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
        row = run_plain(self._session, st.FIND, which=run_id).first()
        return run_of(row) if row else None

    def claim(self, run_id: str, worker: str, now: datetime) -> Run | None:
        """Queued → running, one attempt more; None when somebody else was first or it has ended.

        Does not wait for the disk. A claim that a crash of the database forgets leaves a queued run,
        which is worked on again; an ending lasts only together with the claim before it.
        """
        row = run_plain(
            self._session, st.CLAIM, which=run_id, new_worker=worker[:200], now=now
        ).first()
        return run_of(row) if row else None

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
        return self._changed(
            st.FINISH,
            which=run_id,
            attempt=attempt,
            new_status=status.value,
            new_answer=storable(encode(answer)) if answer else None,
            new_failure=storable(encode(failure)) if failure else None,
            new_outcome=storable(dict(outcome)) if outcome is not None else None,
            new_steps=storable(list(steps)),
            new_finished_at=now or datetime.now(UTC),
        )

    def requeue(self, run_id: str, attempt: int) -> bool:
        """Running → queued, for the one retry of a run whose worker died."""
        return self._changed(st.REQUEUE, which=run_id, attempt=attempt)

    def cancel_queued(self, run_id: str, now: datetime) -> bool:
        """Queued → cancelled; False when a worker has begun, or it has ended."""
        return self._changed(st.CANCEL_QUEUED, which=run_id, now=now)

    def list_open(self) -> list[Run]:
        """Every run that has not ended, oldest first, of all organizations."""
        rows = self._session.exec(
            select(RunRow)
            .where(col(RunRow.status).in_(OPEN_STATUSES))
            .order_by(col(RunRow.created_at))
        )
        return [run_of(row) for row in rows]

    def _changed(self, statement: Update, **values: Any) -> bool:
        return run_plain(self._session, statement, **values).first() is not None


def _values(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "organization_id": run.organization_id,
        "user_id": run.user_id,
        "kind": run.kind.value,
        "conversation_id": run.conversation_id or None,
        "turn_id": run.turn_id or None,
        "source_id": run.source_id,
        "question": run.question,
        "request": storable(dict(run.request)) if run.request else None,
        "status": run.status.value,
        "attempts": run.attempts,
        "created_at": run.created_at,
        "deadline_at": run.deadline_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "outcome": storable(dict(run.outcome)) if run.outcome is not None else None,
        "steps": [],
    }


def run_of(row: RunRow | Row[*tuple[Any, ...]]) -> Run:
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
