"""Keeps what the router did as the results and records of a run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine

from aiser_app.db.repositories.audit_events import AuditEvent
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.query_record import QueryRecord
from aiser_app.domain.result import Result
from aiser_app.domain.run import Run

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RunJournal:
    """Of one run. `first` is done within the transaction of a result, before it is added.

    It may not read: its statements and the others reach the database together.
    """

    engine: Engine
    run: Run
    first: Callable[[UnitOfWork, Result], None] | None = None

    def keep(self, result: Result, record: QueryRecord) -> None:
        def write() -> None:
            if self.first is not None:
                self.first(uow, result)
            uow.results.add(result, run_id=self.run.run_id, user_id=self.run.user_id)
            add_record(uow, record)

        with UnitOfWork(self.engine) as uow:
            uow.commit(last=write)

    def note(self, record: QueryRecord) -> None:
        with UnitOfWork(self.engine) as uow:
            uow.commit(last=lambda: add_record(uow, record))


def add_record(uow: UnitOfWork, record: QueryRecord) -> None:
    """Write it down; a slow query is an alert as well, for whoever watches over the source."""
    uow.query_records.add(record)
    if not record.is_slow:
        return
    log.warning(
        "slow_query",
        extra={
            "query_id": record.query_id,
            "source_id": record.source_id,
            "duration_ms": record.duration_ms,
        },
    )
    uow.audit_events.add(
        AuditEvent(
            organization_id=record.organization_id,
            user_id=record.user_id,
            kind="query.slow",
            subject=record.query_id,
            at=record.started_at,
            detail={
                "source_id": record.source_id,
                "run_id": record.run_id,
                "duration_ms": record.duration_ms,
                "fingerprint": record.fingerprint,
            },
        )
    )


@dataclass(kw_only=True)
class EndingJournal:
    """Of a run whose one result is its end: both are written in one transaction, with `write`.

    What fails is noted at once, in a transaction of its own.
    """

    engine: Engine
    run: Run
    _kept: list[tuple[Result, QueryRecord]] = field(default_factory=list)

    def keep(self, result: Result, record: QueryRecord) -> None:
        self._kept.append((result, record))

    def note(self, record: QueryRecord) -> None:
        RunJournal(engine=self.engine, run=self.run).note(record)

    def write(self, uow: UnitOfWork) -> None:
        for result, record in self._kept:
            uow.results.add(result, run_id=self.run.run_id, user_id=self.run.user_id)
            add_record(uow, record)
