from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class VerifiedQueryRow(SQLModel, table=True):
    """As `domain.verified_query.VerifiedQuery`."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "verified_queries"
    __table_args__ = (
        Index("ix_verified_queries_organization_id", "organization_id", "source_id", "status"),
    )

    verified_query_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(foreign_key="organizations.organization_id", max_length=32)
    source_id: str = Field(foreign_key="data_sources.source_id", max_length=32)
    name: str = Field(max_length=200)
    questions: list[str] = Field(default_factory=list, sa_type=JSONB)
    semantic_query: dict[str, Any] | None = Field(
        default=None, sa_column=Column("semantic_query", JSONB(none_as_null=True), nullable=True)
    )
    sql: str = ""
    status: str = Field(max_length=20)
    is_onboarding: bool = False
    proposed_by: str = Field(foreign_key="users.user_id", max_length=32)
    proposed_at: datetime
    run_id: str | None = Field(default=None, foreign_key="runs.run_id", max_length=32, unique=True)
    verified_by: str | None = Field(default=None, foreign_key="users.user_id", max_length=32)
    verified_by_name: str = Field(default="", max_length=200)
    verified_at: datetime | None = None
