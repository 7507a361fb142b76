from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class DataSourceRow(SQLModel, table=True):
    metadata = METADATA
    __tablename__: ClassVar[str] = "data_sources"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    source_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(foreign_key="organizations.organization_id", max_length=32)
    name: str = Field(max_length=200)
    engine: str = Field(max_length=40)
    options: dict[str, str] = Field(default_factory=dict, sa_type=JSONB)
    sealed_url: str = ""
    """Encrypted; see `access.sealing`."""
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    description: str = ""
    status: str = Field(max_length=20)
    status_reason: str = ""
    warnings: list[str] = Field(default_factory=list, sa_type=JSONB)
    data_version: str = Field(default="", max_length=64)
    synced_at: datetime | None = None
    table_count: int = 0
    row_count: int = Field(default=0, sa_type=BigInteger)
    created_at: datetime
    deleted_at: datetime | None = None
    """Since when it is gone; the row stays for the history of runs and conversations."""
