"""A source is not left in “syncing” by a sync or ingest that ended without its own last word."""

from __future__ import annotations

from dataclasses import replace

from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.data_source import SourceStatus
from aiser_app.domain.run import Run, RunKind


def leave_syncing(uow: UnitOfWork, run: Run, why: str) -> None:
    """Within the transaction that ends the run: what an earlier sync found stays usable."""
    if run.kind not in (RunKind.SYNC, RunKind.INGEST):
        return
    source = uow.data_sources.lock(run.organization_id, run.source_id)
    if source is None or source.status is not SourceStatus.SYNCING:
        return
    status = SourceStatus.READY if source.synced_at and not why else SourceStatus.FAILED
    reason = why or "It was stopped before it had read anything."
    uow.data_sources.replace(
        replace(
            source,
            status=status,
            status_reason="" if status is SourceStatus.READY else reason,
        )
    )
