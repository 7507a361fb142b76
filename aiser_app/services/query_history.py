"""The queries that ran: one's own for everybody, those of others for who watches over sources."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.db.identifiers import is_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.permission import Permission
from aiser_app.domain.query_record import QueryRecord, QueryStatus
from aiser_app.errors import InvalidInput, NotFound
from aiser_app.services.sources import find_source

MAX_PAGE = 1_000


class QueryHistory:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(
        self,
        actor: Actor,
        *,
        source: str | None = None,
        everybody: bool = False,
        slow_only: bool = False,
        status: QueryStatus | None = None,
        before: datetime | None = None,
        limit: int = 100,
    ) -> list[QueryRecord]:
        """Newest first. Raises `PermissionDenied` when those of others are asked for without it."""
        require(actor, Permission.MONITORING_READ if everybody else Permission.QUERIES_RUN)
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"A page has 1 to {MAX_PAGE:,} queries.")
        with UnitOfWork(self._engine) as uow:
            source_id = None
            if source is not None:
                source_id = find_source(uow, actor.organization_id, source).source_id
            return uow.query_records.list_page(
                actor.organization_id,
                source_id=source_id,
                user_id=None if everybody else actor.user_id,
                slow_only=slow_only,
                status=status,
                before=before.astimezone(UTC) if before else None,
                limit=limit,
            )

    def get(self, actor: Actor, query_id: str) -> QueryRecord:
        """Raises `NotFound`, also for a query of somebody else that the actor may not see."""
        record = None
        if is_id(query_id):
            with UnitOfWork(self._engine) as uow:
                record = uow.query_records.find(actor.organization_id, query_id)
        may_see = record is not None and (
            record.user_id == actor.user_id or actor.may(Permission.MONITORING_READ)
        )
        if record is None or not may_see:
            raise NotFound("There is no such query.")
        return record
