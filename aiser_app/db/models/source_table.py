from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import BigInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class SourceTableRow(SQLModel, table=True):
    """One row per table, so that a query over a source of thousands reads only what it names."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "source_tables"

    source_id: str = Field(primary_key=True, foreign_key="data_sources.source_id", max_length=32)
    name: str = Field(primary_key=True, max_length=400)
    organization_id: str = Field(
        foreign_key="organizations.organization_id", index=True, max_length=32
    )
    position: int
    row_estimate: int | None = Field(default=None, sa_type=BigInteger)
    content: dict[str, Any] = Field(sa_type=JSONB)
