"""A registered live source, a run that syncs it, and the lines that the run told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from aiser_app.db.identifiers import new_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource, SourceStatus
from aiser_app.domain.run import Run, RunKind, RunStatus
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.query.source_access import SourceAccess
from aiser_app.services.syncing import Syncing
from tests.fixtures.organizations import Tenant, now


class Lines:
    """Instead of the run's events: what was said, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def report(
        self,
        key: str,
        title: str,
        detail: str = "",
        *,
        state: str = "done",
        duration_ms: float | None = None,
    ) -> None:
        self.told.append((key, detail, state))


@dataclass
class Sync:
    """Syncs of one source by one engine."""

    database: Engine
    tenant: Tenant
    source: DataSource
    engine: Any
    lines: Lines = field(default_factory=Lines)
    cancel: CancelToken = field(default_factory=CancelToken)

    def run(self) -> Mapping[str, Any]:
        access = SourceAccess(engines={self.source.engine: self.engine}, seal=str, unseal=str)
        syncing = Syncing(self.database, access=access)
        return syncing.work(self.a_run(), self.cancel, self.lines)  # type: ignore[arg-type]

    def a_run(self) -> Run:
        return Run(
            run_id=new_id(),
            organization_id=self.tenant.organization_id,
            user_id=new_id(),
            source_id=self.source.source_id,
            kind=RunKind.SYNC,
            status=RunStatus.RUNNING,
            attempts=1,
            created_at=now(),
            deadline_at=now() + timedelta(minutes=5),
        )

    def stored(self) -> DataSource:
        with UnitOfWork(self.database) as uow:
            found = uow.data_sources.find(self.tenant.organization_id, self.source.source_id)
        assert found is not None
        return found

    def names(self) -> list[str]:
        with UnitOfWork(self.database) as uow:
            return uow.source_tables.names(self.source.source_id)

    def model(self) -> SemanticModel | None:
        with UnitOfWork(self.database) as uow:
            return uow.semantic_models.find_latest(
                self.tenant.organization_id, self.source.source_id
            )

    def set(self, **changes: Any) -> None:
        with UnitOfWork(self.database) as uow:
            uow.data_sources.replace(replace(self.stored(), **changes))
            uow.commit()


def a_sync(
    database: Engine, tenant: Tenant, engine: Any, *, name: str = "live", url: str = ""
) -> Sync:
    source = DataSource(
        source_id=new_id(),
        organization_id=tenant.organization_id,
        name=f"Source {new_id()[:6]}",
        engine=name,
        sealed_url=url,
        status=SourceStatus.SYNCING,
    )
    with UnitOfWork(database) as uow:
        uow.data_sources.add(source, now())
        uow.commit()
    return Sync(database=database, tenant=tenant, source=source, engine=engine)
