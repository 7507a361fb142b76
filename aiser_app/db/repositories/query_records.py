from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlmodel import Session, col, delete, select

from aiser_app.db.models import QueryRecordRow
from aiser_app.db.plain_rows import insert_row
from aiser_app.db.storable import storable
from aiser_app.domain.query_record import QueryRecord, QueryStatus


class QueryRecordRepository:
    """History of queries: written once each, read by whoever watches over a source."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, record: QueryRecord) -> None:
        values = {**asdict(record), "status": record.status.value, "tables": list(record.tables)}
        insert_row(self._session, QueryRecordRow, **storable(values))

    def list_page(
        self,
        organization_id: str,
        *,
        source_id: str | None = None,
        user_id: str | None = None,
        slow_only: bool = False,
        status: QueryStatus | None = None,
        before: datetime | None = None,
        limit: int = 100,
    ) -> list[QueryRecord]:
        """Newest first."""
        wanted = select(QueryRecordRow).where(QueryRecordRow.organization_id == organization_id)
        if source_id is not None:
            wanted = wanted.where(QueryRecordRow.source_id == source_id)
        if user_id is not None:
            wanted = wanted.where(QueryRecordRow.user_id == user_id)
        if slow_only:
            wanted = wanted.where(col(QueryRecordRow.is_slow))
        if status is not None:
            wanted = wanted.where(QueryRecordRow.status == status.value)
        if before is not None:
            wanted = wanted.where(col(QueryRecordRow.started_at) < before)
        rows = self._session.exec(
            wanted.order_by(col(QueryRecordRow.started_at).desc()).limit(limit)
        )
        return [_record(row) for row in rows]

    def find(self, organization_id: str, query_id: str) -> QueryRecord | None:
        row = self._session.exec(
            select(QueryRecordRow).where(
                QueryRecordRow.query_id == query_id,
                QueryRecordRow.organization_id == organization_id,
            )
        ).first()
        return _record(row) if row else None

    def list_since(
        self, organization_id: str, source_id: str, since: datetime, limit: int = 5_000
    ) -> list[QueryRecord]:
        """What ran on a source since then, newest first: the history that advice is made of."""
        rows = self._session.exec(
            select(QueryRecordRow)
            .where(
                QueryRecordRow.organization_id == organization_id,
                QueryRecordRow.source_id == source_id,
                col(QueryRecordRow.started_at) >= since,
            )
            .order_by(col(QueryRecordRow.started_at).desc())
            .limit(limit)
        )
        return [_record(row) for row in rows]

    def delete_before(self, moment: datetime) -> int:
        done = self._session.exec(
            delete(QueryRecordRow).where(col(QueryRecordRow.started_at) < moment)
        )
        return int(done.rowcount)


def _record(row: QueryRecordRow) -> QueryRecord:
    values = row.model_dump()
    values["status"] = QueryStatus(row.status)
    values["tables"] = tuple(row.tables)
    return QueryRecord(**values)
