"""Runs change by compare-and-set on (status, attempts): whoever comes second changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, update
from sqlalchemy import select as plain_select
from sqlmodel import Session, col, select

from aiser_app.db.models import DataSourceRow, ResultRow, RunRow
from aiser_app.db.models.run import OPEN_STATUSES
from aiser_app.db.plain_rows import insert_row, table_of
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


_RUNS, _RESULTS, _SOURCES = table_of(RunRow), table_of(ResultRow), table_of(DataSourceRow)
_WHOLE = (
    plain_select(
        *_RUNS.columns, _SOURCES.c.name.label("source_name"), _RESULTS.c.envelope.label("envelope")
    )
    .select_from(_RUNS)
    .outerjoin(
        _SOURCES,
        and_(
            _SOURCES.c.source_id == _RUNS.c.source_id,
            _SOURCES.c.organization_id == _RUNS.c.organization_id,
        ),
    )
    .outerjoin(
        _RESULTS,
        and_(
            _RESULTS.c.result_id
            == func.coalesce(
                _RUNS.c.outcome["result_id"].astext, _RUNS.c.answer[("result_ids", 0)].astext
            ),
            _RESULTS.c.organization_id == _RUNS.c.organization_id,
            _RESULTS.c.user_id == _RUNS.c.user_id,
        ),
    )
    .where(
        _RUNS.c.run_id == bindparam("run_id"),
        _RUNS.c.organization_id == bindparam("organization_id"),
        _RUNS.c.user_id == bindparam("user_id"),
    )
)
"""Made once: this is on the path of every query."""


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
        earlier = _RUNS.alias()
        opened = (
            plain_select(func.count())
            .select_from(earlier)
            .where(
                earlier.c.organization_id == run.organization_id,
                earlier.c.user_id == run.user_id,
                earlier.c.kind == run.kind.value,
                earlier.c.status.in_(OPEN_STATUSES),
            )
        )
        statement = _RUNS.insert().returning(opened.scalar_subquery())
        return int(self._session.connection().execute(statement, _values(run)).scalar_one())

    def find_whole(self, organization_id: str, user_id: str, run_id: str) -> WholeRun | None:
        """All that is shown of a run, in one call."""
        found = self._session.connection().execute(
            _WHOLE, {"run_id": run_id, "organization_id": organization_id, "user_id": user_id}
        )
        row = found.first()
        if row is None:
            return None
        return WholeRun(
            run=run_of(row),
            source_name=row.source_name,
            result=decode(Result, row.envelope) if row.envelope else None,
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
        """Queued → running, one attempt more; None when somebody else was first or it has ended.

        Does not wait for the disk. A claim that a crash of the database forgets leaves a queued run,
        which is worked on again; an ending lasts only together with the claim before it.
        """
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
            lazily=True,
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
        lazily: bool = False,
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
        if lazily:
            # Of this transaction alone, and said in the same call.
            statement = statement.returning(func.set_config("synchronous_commit", "off", True))
        row = self._session.connection().execute(statement).first()
        return run_of(row) if row else None


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
