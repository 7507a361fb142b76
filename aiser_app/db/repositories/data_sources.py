from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam
from sqlalchemy import select as plain_select
from sqlmodel import Session, col, select, update

from aiser_app.db.models import DataSourceRow
from aiser_app.db.plain_rows import run_plain, table_of
from aiser_app.domain.data_source import (
    CUBE_SECRET,
    DataSource,
    SourceSettings,
    SourceStatus,
)
from aiser_app.domain.encoding import decode, encode

_SOURCES = table_of(DataSourceRow)
_KEPT = plain_select(_SOURCES).where(
    _SOURCES.c.organization_id == bindparam("organization_id"), _SOURCES.c.deleted_at.is_(None)
)
_FIND = _KEPT.where(_SOURCES.c.source_id == bindparam("which"))
_FIND_BY_NAME = _KEPT.where(_SOURCES.c.name == bindparam("which"))


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
                sealed_url=source.sealed_url,
                settings=encode(source.settings),
                description=source.description,
                status=source.status.value,
                status_reason=source.status_reason,
                warnings=list(source.warnings),
                data_version=source.data_version,
                synced_at=source.synced_at,
                table_count=source.table_count,
                row_count=source.row_count,
                created_at=created_at,
            )
        )
        self._session.flush()

    def find(self, organization_id: str, source_id: str) -> DataSource | None:
        row = run_plain(
            self._session, _FIND, which=source_id, organization_id=organization_id
        ).first()
        return _source(row) if row else None

    def find_by_name(self, organization_id: str, name: str) -> DataSource | None:
        row = run_plain(
            self._session, _FIND_BY_NAME, which=name, organization_id=organization_id
        ).first()
        return _source(row) if row else None

    def list_all(self, organization_id: str) -> list[DataSource]:
        """Oldest first: the first one is the default."""
        rows = self._session.exec(
            select(DataSourceRow)
            .where(
                DataSourceRow.organization_id == organization_id,
                col(DataSourceRow.deleted_at).is_(None),
            )
            .order_by(col(DataSourceRow.created_at), col(DataSourceRow.source_id))
        )
        return [_source(row) for row in rows]

    def lock(self, organization_id: str, source_id: str) -> DataSource | None:
        """As `find`, and nobody else changes it until the transaction ends."""
        row = self._session.exec(
            select(DataSourceRow)
            .where(
                DataSourceRow.source_id == source_id,
                DataSourceRow.organization_id == organization_id,
                col(DataSourceRow.deleted_at).is_(None),
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        ).first()
        return _source(row) if row else None

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
        row.sealed_url = source.sealed_url
        row.settings = encode(source.settings)
        row.description = source.description
        row.status = source.status.value
        row.status_reason = source.status_reason
        row.warnings = list(source.warnings)
        row.data_version = source.data_version
        row.synced_at = source.synced_at
        row.table_count = source.table_count
        row.row_count = source.row_count
        self._session.add(row)
        self._session.flush()

    def list_sealed(self) -> list[tuple[str, str]]:
        """(source id, sealed URL) of all organizations: for the rotation of keys alone."""
        rows = self._session.exec(
            select(DataSourceRow.source_id, DataSourceRow.sealed_url)
            .where(DataSourceRow.sealed_url != "")
            .with_for_update()
        )
        return [(source_id, sealed_url) for source_id, sealed_url in rows]

    def replace_sealed(self, source_id: str, sealed_url: str) -> None:
        self._session.exec(
            update(DataSourceRow)
            .where(col(DataSourceRow.source_id) == source_id)
            .values(sealed_url=sealed_url)
        )

    def list_cube_secrets(self) -> list[tuple[str, str]]:
        """(source id, sealed secret of its Cube), as `list_sealed`."""
        rows = self._session.exec(
            select(DataSourceRow.source_id, DataSourceRow.options)
            .where(col(DataSourceRow.deleted_at).is_(None))
            .with_for_update()
        )
        return [(found, options[CUBE_SECRET]) for found, options in rows if CUBE_SECRET in options]

    def replace_cube_secret(self, source_id: str, sealed: str) -> None:
        row = self._session.exec(
            select(DataSourceRow).where(DataSourceRow.source_id == source_id)
        ).one()
        row.options = {**row.options, CUBE_SECRET: sealed}
        self._session.add(row)
        self._session.flush()

    def delete(self, source: DataSource, now: datetime) -> None:
        """It is gone for everybody, its address is forgotten, its name is free again."""
        self._session.exec(
            update(DataSourceRow)
            .where(
                col(DataSourceRow.source_id) == source.source_id,
                col(DataSourceRow.organization_id) == source.organization_id,
            )
            .values(
                name=f"{source.name[:150]} (removed {source.source_id[:8]})",
                sealed_url="",
                options={k: v for k, v in source.options.items() if k != CUBE_SECRET},
                deleted_at=now,
            )
        )


def _source(row: DataSourceRow | Row[*tuple[Any, ...]]) -> DataSource:
    return DataSource(
        source_id=row.source_id,
        organization_id=row.organization_id,
        name=row.name,
        engine=row.engine,
        options=row.options,
        sealed_url=row.sealed_url,
        settings=decode(SourceSettings, row.settings),
        description=row.description,
        status=SourceStatus(row.status),
        status_reason=row.status_reason,
        warnings=tuple(row.warnings),
        data_version=row.data_version,
        synced_at=row.synced_at,
        table_count=row.table_count,
        row_count=row.row_count,
    )
