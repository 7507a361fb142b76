from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class QueryRecordRow(SQLModel, table=True):
    """As `domain.query_record.QueryRecord`. History: of removed sources, too."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "query_records"
    __table_args__ = (
        Index("ix_query_records_organization_id", "organization_id", "started_at"),
        Index("ix_query_records_source_id", "source_id", "fingerprint"),
    )

    query_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(foreign_key="organizations.organization_id", max_length=32)
    user_id: str = Field(foreign_key="users.user_id", max_length=32)
    source_id: str = Field(foreign_key="data_sources.source_id", max_length=32)
    run_id: str = Field(foreign_key="runs.run_id", max_length=32)
    purpose: str = Field(max_length=20)
    status: str = Field(max_length=20)
    sql: str
    fingerprint: str = Field(max_length=64)
    tables: list[str] = Field(default_factory=list, sa_type=JSONB)
    engine: str = Field(max_length=40)
    route: str = Field(max_length=20)
    started_at: datetime
    queue_ms: float
    duration_ms: float
    engine_ms: float
    row_count: int = Field(sa_type=BigInteger)
    byte_count: int = Field(sa_type=BigInteger)
    peak_memory_bytes: int = Field(sa_type=BigInteger)
    cpu_ms: float
    from_cache: bool
    truncated: bool
    error_code: str = Field(default="", max_length=40)
    is_slow: bool = False
    plan: str = ""
