from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from aiser_app.db.models import DataSourceRow
from aiser_app.domain.data_source import DataSource, SourceStatus


class DataSourceRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, source: DataSource, created_at: datetime) -> None:
        self._session.add(
            DataSourceRow(
                source_id=source.source_id,
                organization_id=source.organization_id,
                name=source.name,
                engine=source.engine,
                options=dict(source.options),
                description=source.description,
                status=source.status.value,
                synced_at=source.synced_at,
                table_count=source.table_count,
                row_count=source.row_count,
                created_at=created_at,
            )
        )
        self._session.flush()

    def find(self, organization_id: str, source_id: str) -> DataSource | None:
        row = self._session.exec(
            select(DataSourceRow).where(
                DataSourceRow.source_id == source_id,
                DataSourceRow.organization_id == organization_id,
            )
        ).first()
        return _source(row) if row else None

    def find_by_name(self, organization_id: str, name: str) -> DataSource | None:
        row = self._session.exec(
            select(DataSourceRow).where(
                DataSourceRow.organization_id == organization_id, DataSourceRow.name == name
            )
        ).first()
        return _source(row) if row else None

    def list_all(self, organization_id: str) -> list[DataSource]:
        """Oldest first: the first one is the default."""
        rows = self._session.exec(
            select(DataSourceRow)
            .where(DataSourceRow.organization_id == organization_id)
            .order_by(col(DataSourceRow.created_at), col(DataSourceRow.source_id))
        )
        return [_source(row) for row in rows]

    def replace(self, source: DataSource) -> None:
        """Write what is known of a source that exists already."""
        row = self._session.exec(
            select(DataSourceRow)
            .where(
                DataSourceRow.source_id == source.source_id,
                DataSourceRow.organization_id == source.organization_id,
            )
            .with_for_update()
        ).one()
        row.name = source.name
        row.engine = source.engine
        row.options = dict(source.options)
        row.description = source.description
        row.status = source.status.value
        row.synced_at = source.synced_at
        row.table_count = source.table_count
        row.row_count = source.row_count
        self._session.add(row)
        self._session.flush()


def _source(row: DataSourceRow) -> DataSource:
    return DataSource(
        source_id=row.source_id,
        organization_id=row.organization_id,
        name=row.name,
        engine=row.engine,
        options=row.options,
        description=row.description,
        status=SourceStatus(row.status),
        synced_at=row.synced_at,
        table_count=row.table_count,
        row_count=row.row_count,
    )
