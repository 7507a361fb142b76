"""Advice on a source, for whoever watches over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.catalog import SourceTable
from aiser_app.domain.permission import Permission
from aiser_app.domain.recommendation import Recommendation
from aiser_app.query.advice import TableFacts, advise
from aiser_app.services.sources import find_source

HISTORY_DAYS = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceAdvice:
    recommendations: tuple[Recommendation, ...]
    queries_seen: int
    since: datetime


class Advice:
    def __init__(self, engine: Engine, *, dialects: Mapping[str, str]) -> None:
        """`dialects` says which SQL each engine speaks, by the engine's name."""
        self._engine = engine
        self._dialects = dialects

    def of_source(self, actor: Actor, name_or_id: str) -> SourceAdvice:
        """From the queries of the last days over it; nothing is asked of the source."""
        require(actor, Permission.MONITORING_READ)
        since = datetime.now(UTC) - timedelta(days=HISTORY_DAYS)
        with UnitOfWork(self._engine) as uow:
            source = find_source(uow, actor.organization_id, name_or_id)
            records = uow.query_records.list_since(actor.organization_id, source.source_id, since)
            names = sorted({name for record in records for name in record.tables})
            tables = uow.source_tables.find_many(source.source_id, names)
        found = advise(
            records,
            {item.table.name: _facts(item) for item in tables},
            engine=source.engine,
            dialect=self._dialects.get(source.engine, source.engine),
        )
        return SourceAdvice(recommendations=found, queries_seen=len(records), since=since)


def _facts(item: SourceTable) -> TableFacts:
    table = item.table
    keys = (table.primary_key,) if table.primary_key else ()
    return TableFacts(
        name=table.name,
        columns=tuple(column.name for column in table.columns),
        row_estimate=table.row_count or None,
        indexes=(*keys, *table.indexes),
        is_view=table.is_view,
    )
