from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class EvaluationRow(SQLModel, table=True):
    """An evaluation of verified questions. Its status is that of its run."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "evaluations"
    __table_args__ = (Index("ix_evaluations_organization_id", "organization_id", "created_at"),)

    evaluation_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(foreign_key="organizations.organization_id", max_length=32)
    run_id: str = Field(foreign_key="runs.run_id", unique=True, max_length=32)
    user_id: str = Field(foreign_key="users.user_id", max_length=32)
    started_by: str = Field(max_length=200)
    created_at: datetime
    case_count: int = 0
    summary: dict[str, Any] | None = Field(
        default=None, sa_column=Column("summary", JSONB(none_as_null=True), nullable=True)
    )
    cases: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
